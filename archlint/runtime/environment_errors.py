"""Errors caused by the machine (memory, device, missing kernel) or by missing values."""

from __future__ import annotations

import errno
import re
import socket
import sys

from archlint.runtime.user_frames import text_of

_NO_MEMORY = re.compile(
    r"not enough memory|can't allocate|out of memory|DefaultCPUAllocator|"
    r"Storage size calculation overflowed|numel: integer multiplication overflow",
    re.IGNORECASE,
)
_FILES = "too many files are open"
_PROCESSES = "no more threads or processes can be started"
_DISK = "no space is left on a disk"
_NUMBERS = {
    errno.EMFILE: _FILES,
    errno.ENFILE: _FILES,
    errno.ENOMEM: "not enough memory",
    errno.EAGAIN: _PROCESSES,
    errno.ENOSPC: _DISK,
    errno.EDQUOT: _DISK,
    errno.EIO: "a device failed",
}
"""What an ``OSError`` of a number says of the machine."""

_RESOURCES = {
    "Too many open files": _FILES,
    "No space left on device": _DISK,
    "can't start new thread": _PROCESSES,
    "Resource temporarily unavailable": _PROCESSES,
    "Cannot allocate memory": "not enough memory",
}
"""The same in texts of native code."""

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
    return isinstance(error, RuntimeError) and bool(_OVERFLOW.search(text_of(error)))


def is_environment_error(error: BaseException) -> str:
    """Why an error is unrelated to the sizes; empty if it may be caused by them."""
    if isinstance(error, SystemExit):
        return "it calls sys.exit"
    if isinstance(error, KeyboardInterrupt):
        return "it raises KeyboardInterrupt"
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "not enough memory"
    if isinstance(error, OSError):
        return _of_system(error)
    text = text_of(error)
    if isinstance(error, TypeError) and _NO_NUMBER.search(text):
        return "it needs tensor values, and the run had none"
    if not isinstance(error, (RuntimeError, AssertionError)):
        return ""
    if _NO_MEMORY.search(text):
        return "not enough memory"
    if _NO_DEVICE.search(text):
        return "it needs a device that this machine does not have"
    if _NO_VALUES.search(text):
        return "it needs tensor values, and the run had none"
    if resource := next((reason for words, reason in _RESOURCES.items() if words in text), ""):
        return resource
    return "PyTorch has no kernel for this dtype on this machine" if _NO_KERNEL.search(text) else ""


def _of_system(error: OSError) -> str:
    """What a call of the system lacked: a resource of the machine, or a connection."""
    url_error = getattr(sys.modules.get("urllib.error"), "URLError", ConnectionError)
    if isinstance(reason := getattr(error, "reason", None), OSError):  # of a URLError
        return _of_system(reason) or "a connection failed"
    if isinstance(error, (ConnectionError, socket.gaierror, url_error)):
        return "a connection failed"
    return _NUMBERS.get(error.errno or 0, "")
