"""Unicode character classes for the firmware's pre-tokenizers, generated from Python's own tables."""
