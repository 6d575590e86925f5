"""Which models does a project have? Read from its source; no code of it runs."""
