"""Blinded reader studies of image quality: protocol, assignments, stimuli, store."""
