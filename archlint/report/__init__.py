"""The results of a run as text and in machine-readable formats."""
