"""Video, GIF, images and arrays, in and out."""
