"""Where not to believe the result."""
