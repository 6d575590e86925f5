"""Structural contracts: what a model is made of, and what its layers do to sizes.

A *check* is a function of what was :class:`.ModelView` of a model and of what
the contract asks for; it yields a :class:`.Violation` for everything
that breaks the promise. :mod:`.inspect` runs a contract's checks, :mod:`.join` puts what they found
into the verdict.
"""
