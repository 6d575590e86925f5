"""Bounds of the elements of tensors, where indices or sizes are made of them."""
