"""What a model's own code does with the errors of operators, read from its source."""
