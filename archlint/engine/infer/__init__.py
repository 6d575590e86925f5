"""What does a model accept? The exact set, and the shape that comes out."""
