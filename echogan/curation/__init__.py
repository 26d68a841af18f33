"""An archive of clips to de-identified training shards."""
