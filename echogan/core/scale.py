"""The scales of grey, 0 to 255 as displayed and -1 to 1 for networks (levels / GREY - 1), and the working size."""

GREY = 127.5
"""Grey levels of 8 bits per unit of [-1, 1]."""
WORKING_SIZE = 256
"""Pixels of the sector's longer side in the working space, where a checkpoint or a setting does not say otherwise."""
