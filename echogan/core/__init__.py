"""What every other part stands on: errors, sector geometry, settings, files written whole."""
