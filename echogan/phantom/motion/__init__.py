"""How a heart beats, and where its tissue goes."""
