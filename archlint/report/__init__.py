"""Verdicts as text and as JSON. A report decides nothing."""
