"""From clips to blinded stimuli: the list of clips, pairs that match, the same picture and file shape for both arms."""
