"""Where in the frame the ultrasound sector lies, and the overlay on it."""
