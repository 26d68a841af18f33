"""One clip to all its outputs."""
