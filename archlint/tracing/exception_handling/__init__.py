"""Replacements for functions of Python while a model is traced."""
