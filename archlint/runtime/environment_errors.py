"""Errors caused by the machine (memory, device, missing kernel) or by missing values."""

from __future__ import annotations

import re

import torch

_NO_MEMORY = re.compile(
    r"not enough memory|can't allocate|out of memory|DefaultCPUAllocator|"
    r"Storage size calculation overflowed|numel: integer multiplication overflow",
    re.IGNORECASE,
)
_OVERFLOW = re.compile("Storage size calculation overflowed|integer multiplication overflow")
_NO_DEVICE = re.compile(
    r"not compiled with CUDA|No CUDA GPUs|Found no NVIDIA driver|CUDA (driver|error)|"
    r"from the '(CUDA|Meta|QuantizedCUDA|MPS|XPU)' backend|"
    r"not linked with support for \w+ devices|Attempting to deserialize object on a CUDA",
    re.IGNORECASE,
)
_NO_VALUES = re.compile(
    r"Cannot copy out of meta tensor|(on|for|with|a) meta tensors?\b|\bmeta device\b|"
    r"devices?\b.*\bmeta\b|\bmeta\b.*\bdevices?\b|data-dependent|Cannot cast tensor\(.* to number",
    re.IGNORECASE,
)
_NO_NUMBER = re.compile(
    r", not SymbolicTensor\b|\bgot \(.*\bSymbolicTensor\b"
)  # a tensor taken for a number
_NO_KERNEL = re.compile(r"not implemented for '(Half|BFloat16|Float8\w*|ComplexHalf)'")


def is_overflow(error: BaseException) -> bool:
    """Whether a tensor was to have more bytes than can be counted, a negative number included."""
    return isinstance(error, RuntimeError) and bool(_OVERFLOW.search(str(error)))


def is_environment_error(error: BaseException) -> str:
    """Why an error is unrelated to the sizes; empty if it may be caused by them."""
    if isinstance(error, SystemExit):
        return "it calls sys.exit"
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return "not enough memory"
    text = str(error)
    if isinstance(error, TypeError) and _NO_NUMBER.search(text):
        return "it needs values, and ran without"
    if not isinstance(error, (RuntimeError, AssertionError)):
        return ""
    if _NO_MEMORY.search(text):
        return "not enough memory"
    if _NO_DEVICE.search(text):
        return "it needs a device that is not here"
    if _NO_VALUES.search(text):
        return "it needs values, and ran without"
    return "this machine has no such kernel" if _NO_KERNEL.search(text) else ""
