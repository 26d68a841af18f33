"""Simulated clips with known truth."""
