"""The pytest plugin, which runs contracts as tests.

It is a separate package, so that pytest can load ``pytest_archlint.plugin`` without ``archlint``.
"""
