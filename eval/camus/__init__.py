"""Evaluation on CAMUS: real stills with expert outlines and image quality grades."""
