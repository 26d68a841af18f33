"""The two scales of grey: 8 bits as displayed, 0 to 255, and what networks see, -1 to 1 (levels / GREY - 1)."""

GREY = 127.5
"""Grey levels of 8 bits per unit of [-1, 1]."""
