"""Explains what a model accepts and why a contract is broken: layers, weights, fixes."""
