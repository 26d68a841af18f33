"""Simulated pairs as files."""
