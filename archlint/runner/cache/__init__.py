"""What was decided before, and whether it still stands. Nothing here needs torch."""
