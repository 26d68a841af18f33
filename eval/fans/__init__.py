"""How well the sector is found, and what its network learnt from."""
