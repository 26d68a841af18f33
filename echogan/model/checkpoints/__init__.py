"""Checkpoints: read, write, fetch from the Hugging Face Hub, convert."""
