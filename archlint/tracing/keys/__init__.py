"""Look-ups of plain numbers and texts among keys that are sizes or texts of sizes."""
