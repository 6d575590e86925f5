"""What a model costs, as formulas of its input sizes."""
