"""Sizes as torch and Python see them: torch's SymNode protocol over formulas."""
