"""What protects the process around a user's model: time limits and restored state."""
