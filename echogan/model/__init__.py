"""Generators, discriminators, losses and checkpoints, in pure torch."""
