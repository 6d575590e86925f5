"""Whether some size satisfies a formula, and the smallest that does."""
