"""The folder to upload for a tag."""
