"""From a violation to words: the layer, what it needs, what it gets, and why."""
