"""A release tried out from beginning to end."""
