"""The store of a reader study: SQLite in the study's folder, append-only, each change in a hash chain."""
