"""The Enhance tab."""
