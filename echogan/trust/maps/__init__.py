"""The maps that compare input and result: arrays in [0, 1] in, arrays out. Positive is added, negative is removed."""
