"""Worker processes: a user's model hurts only its own contract."""
