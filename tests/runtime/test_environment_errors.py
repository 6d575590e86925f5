"""Errors caused by the machine or by missing values are no answer about sizes."""

from __future__ import annotations

import pytest

from archlint.runtime.environment_errors import is_environment_error
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "not enough memory"),
        (
            RuntimeError("Storage size calculation overflowed"),
            "not enough memory",
        ),
        (RuntimeError("No CUDA GPUs are available"), "it needs a device that is not here"),
        (RuntimeError("Cannot copy out of meta tensor; no data!"), "it needs values"),
        (RuntimeError("\"conv2d\" not implemented for 'Half'"), "this machine has no such kernel"),
        (SystemExit(1), "it calls sys.exit"),
        (RuntimeError("shape '[3, -1]' is invalid for input of size 4"), ""),
        (ValueError("out of memory"), ""),
        (TypeError("unsupported operand"), ""),
    ],
)
def test_which_errors_they_are(error, reason):
    found = is_environment_error(error)
    assert found.startswith(reason)
    assert bool(found) is bool(reason)


def test_a_symbolic_tensor_that_is_taken_for_a_number():
    """The pattern names the class, as torch's own messages do."""
    text = f"argument 'size' must be tuple of ints, not {SymbolicTensor.__name__}"
    assert is_environment_error(TypeError(text)) == "it needs values, and ran without"
