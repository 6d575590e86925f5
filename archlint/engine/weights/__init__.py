"""Which weights have shapes that the input's sizes determine."""
