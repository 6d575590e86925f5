"""Whether two objects are one: ``a is b`` and ``id(a)`` in the model's code."""
