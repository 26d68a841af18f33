"""Which term of the loss does what."""
