"""Training of both generators: settings, data, run folder and the loop (`train`)."""
