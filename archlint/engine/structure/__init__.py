"""Structural contracts: what a model is made of, and how its layers change sizes.

A *check* is a function of a :class:`.ModelView` and of the check's value in the contract; it yields
a :class:`.Violation` for everything that violates the contract. :mod:`.checks` runs the checks of a
contract, :mod:`.structural_verdict` adds their result to the verdict.
"""
