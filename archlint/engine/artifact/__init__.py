"""Exported models beside the model itself: a runtime in a process of its own, at chosen sizes."""
