"""A static page that runs the network in the browser: a clip never leaves the room. `assemble` makes its folder."""
