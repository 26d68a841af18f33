"""Open and decode what a stranger sends in child processes with limits on memory and time."""
