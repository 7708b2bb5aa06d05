"""What the firmware keeps on its volume, read on a host.

`records` reads the two files of a log, `slots` the two of the state, `reports` a report and its copy.
"""
