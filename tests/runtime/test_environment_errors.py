"""Errors caused by the machine or by missing values are no answer about sizes."""

from __future__ import annotations

import errno
import socket
from urllib.error import URLError

import pytest
import torch

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
        (
            RuntimeError("No CUDA GPUs are available"),
            "it needs a device that this machine does not have",
        ),
        (RuntimeError("Cannot copy out of meta tensor; no data!"), "it needs tensor values"),
        (
            RuntimeError("\"conv2d\" not implemented for 'Half'"),
            "PyTorch has no kernel for this dtype on this machine",
        ),
        (torch.OutOfMemoryError("no"), "not enough memory"),
        (SystemExit(1), "it calls sys.exit"),
        (KeyboardInterrupt(), "it raises KeyboardInterrupt"),
        (OSError(errno.EMFILE, "Too many open files"), "too many files are open"),
        (OSError(errno.ENFILE, "Too many open files"), "too many files are open"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "not enough memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "no space is left on a disk"),
        (BlockingIOError(errno.EAGAIN, "no"), "no more threads or processes"),
        (RuntimeError("can't start new thread"), "no more threads or processes"),
        (RuntimeError("unable to open file <x>: Too many open files (24)"), "too many files"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "no"), "a connection failed"),
        (socket.gaierror(-2, "Name or service not known"), "a connection failed"),
        (URLError("no host given"), "a connection failed"),
        (URLError(OSError(errno.EMFILE, "Too many open files")), "too many files are open"),
        (FileNotFoundError(errno.ENOENT, "no"), ""),
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
    assert is_environment_error(TypeError(text)) == "it needs tensor values, and the run had none"
