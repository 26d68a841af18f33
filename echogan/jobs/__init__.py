"""Training runs as separate processes: start, watch, stop and resume them, also from another server."""
