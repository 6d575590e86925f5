"""What several shape rules share: axes, broadcasting, strides, dtypes."""
