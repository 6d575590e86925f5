"""Branches that rejoin inside one module: one path instead of several."""
