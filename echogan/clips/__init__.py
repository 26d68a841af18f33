"""What comes in and goes out: clips, their files, their sector."""
