"""Adoption in existing code: known violations do not fail, as long as they exist.

Pure functions over verdicts, between checking and reporting. A waiver (in a rule file, with a
reason and a last day) or the baseline (a file that archlint writes) marks a violation as waived.
An unused waiver or baseline entry becomes a verdict of its own.
"""
