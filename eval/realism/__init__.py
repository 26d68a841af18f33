"""Comparison of simulated frames with real ones."""
