"""Evaluation on real hazy clips."""
