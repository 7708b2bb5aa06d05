"""Boot images: a GUID partition table with one FAT32 EFI system partition.

`build` writes an image from a layout, `volume` lists and extracts its files, `put` adds one to a
working copy, `verify` checks all of it. On the command line: `python -m tools.image`.
"""
