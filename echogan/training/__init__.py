"""Unpaired training on phantom clips: settings, data, run folder and the loop (`train`)."""
