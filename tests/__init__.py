"""Tests of the whole program against other implementations."""
