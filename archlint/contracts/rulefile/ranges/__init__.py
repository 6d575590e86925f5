"""Ranges of input sizes as deployment tools declare them: files read, text written. No torch."""
