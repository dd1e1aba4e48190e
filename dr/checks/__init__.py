"""Sign to be written."""
