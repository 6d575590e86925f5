"""One run of a model on symbolic sizes."""
