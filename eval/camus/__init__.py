"""Real stills with outlines and grades: CAMUS."""
