"""Verdicts of earlier runs, and whether they are still valid. Nothing here needs torch."""
