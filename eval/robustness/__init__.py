"""What damaged and hostile files do to the program."""
