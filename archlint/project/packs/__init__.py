"""Packs beyond their use in rule files: listing, testing on their examples, creating new ones."""
