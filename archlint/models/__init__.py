"""From a target to a model, and leaving it as it was."""
