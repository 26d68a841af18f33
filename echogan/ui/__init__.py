"""The app's tabs and its player."""
