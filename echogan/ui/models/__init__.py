"""The Models tab, and the facts of models that the API tells, too."""
