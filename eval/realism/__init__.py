"""How near the simulated clips come to real ones."""
