"""From an acceptance to the shortest exact words."""
