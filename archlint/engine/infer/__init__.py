"""The sizes that a model accepts: the exact set, and the shape of the output."""
