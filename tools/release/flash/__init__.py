"""A disk image on a USB stick: what may be written to, writing, and reading back."""
