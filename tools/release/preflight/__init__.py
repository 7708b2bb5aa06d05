"""Whether this machine has what a task needs."""
