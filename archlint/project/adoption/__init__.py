"""Adoption on old code: breaches that are known fail nothing, for a while and as long as they last.

Pure functions over verdicts, after deciding and before reporting: a waiver (in a rule file, by
hand, with a reason and a date) or the baseline (a file that archlint writes) marks a breach as
waived. Neither may go stale: what they say in vain becomes a verdict of its own.
"""
