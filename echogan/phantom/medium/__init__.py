"""From a drawn heart to scatterers that move with it."""
