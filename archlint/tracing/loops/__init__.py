"""Loops over a symbolic size, followed by a few turns that stand for all."""
