"""Bundles: a release as a folder that says of itself what is in it, what it was made from, and how it was tested.

`build` makes one from declared inputs, `archive` packs one; `python -m tools.release.bundle` does both.
"""
