"""A project's files: the lock file, the baseline, packs, and discovery of its models."""
