"""A run as text, and in the formats that machines read. A report decides nothing."""
