"""Generators, discriminators and the segmenter."""
