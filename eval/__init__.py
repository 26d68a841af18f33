"""The numbers behind the tables: each file here is a command that writes eval/results/<its name>.json."""
