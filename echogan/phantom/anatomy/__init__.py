"""Hearts as drawings: outlines, walls, valves and sizes, in every view."""
