"""Sizes of a path that has an image of 30 by 44 pixels."""

from archlint.symbolic import symbol
from archlint.symbolic.formula import holds

H, W = symbol("H"), symbol("W")
HINT = {"H": 30, "W": 44}


def let_through(path, env):
    return all(holds(e.formula, env) for e in path.events)
