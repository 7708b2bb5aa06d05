"""Lock files of Python requirements, pinned by sha256."""
