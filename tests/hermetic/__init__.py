"""The same bytes in another clone, on another path, for another user."""
