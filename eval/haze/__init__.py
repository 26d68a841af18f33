"""Real hazy clips."""
