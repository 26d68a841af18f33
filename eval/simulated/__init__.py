"""Evaluation on simulated clips, whose truth is known."""
