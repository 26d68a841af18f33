"""Training runs as processes of their own: start, watch, stop and resume them, also from another server."""
