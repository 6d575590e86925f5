"""The real type of an object, without running its code.

``isinstance`` looks at ``value.__class__`` too, which is code of proxies: those of web frameworks
and lazy loaders raise there, or load what they stand for.
"""

from __future__ import annotations


def is_a(value: object, *kinds: type) -> bool:
    """Whether the type of an object is one of ``kinds`` or derives from one."""
    return issubclass(type(value), kinds)
