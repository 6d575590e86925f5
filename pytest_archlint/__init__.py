"""The pytest plugin: contracts are tests.

A package of its own, so that pytest can load ``pytest_archlint.plugin`` without ``archlint``.
"""
