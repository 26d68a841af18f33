"""Evaluation and training of the sector finder."""
