"""The state of random generators that a model or its code holds."""

from __future__ import annotations

from random import Random, SystemRandom
from typing import Any

import torch

from archlint.runtime.real_type import is_a


def generator_state(value: Any) -> Any:
    """The state of a random generator of Python, numpy or torch; ``None`` for any other object."""
    if is_a(value, Random):
        return None if is_a(value, SystemRandom) else value.getstate()
    if is_a(value, torch.Generator):
        return value.get_state()
    if type(value).__module__.startswith("numpy.random"):
        bits = getattr(value, "bit_generator", None) or getattr(value, "_bit_generator", None)
        return None if bits is None else bits.state
    return None


def put_generator_state(value: Any, state: Any) -> None:
    """Restore what :func:`generator_state` gave."""
    if is_a(value, Random):
        value.setstate(state)
    elif is_a(value, torch.Generator):
        value.set_state(state)
    else:
        bits = getattr(value, "bit_generator", None) or value._bit_generator
        bits.state = state


def same_state(one: Any, other: Any) -> bool:
    """Whether two states of one generator are the same."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    return str(one) == str(other)
