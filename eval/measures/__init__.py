"""Measures and the methods they compare."""
