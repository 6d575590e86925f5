"""From a broken promise to words: the layer, what it needs, what it gets, and why."""
