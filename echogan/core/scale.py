"""Scales of grey and of size: 8 bits as displayed and what networks see, and the pixels of the working space."""

GREY = 127.5
"""Grey levels of 8 bits per unit of [-1, 1]."""
WORKING_SIZE = 256
"""Pixels of the sector's longer side in the working space, where a checkpoint or a setting does not say otherwise."""
