"""Enhance an archive of clips: many files in several processes, resumable, with a table and an overview."""
