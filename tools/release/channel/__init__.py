"""Releases on a server that nobody has to trust: a folder with TUF metadata, and clients that follow it."""
