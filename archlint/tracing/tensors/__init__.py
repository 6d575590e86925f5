"""Tensors that carry sizes and dtypes instead of elements."""
