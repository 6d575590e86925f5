"""Refuses network connections and installations in this process, for user code that would download.

Uses Python's audit events, which cover the standard library and what is built on it. An audit hook
cannot be removed: call this only in a process that ends with its job.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

OFFLINE = "ARCHLINT_OFFLINE"
"""The environment variable that makes the processes of the jobs call :func:`go_offline`."""

_REASON = "archlint init does not use the network; --online allows it"
ALLOWED = "--online allows it"  # a part of the text above
_PROGRAMS = ("pip", "pip3", "conda", "mamba", "uv", "wget", "curl", "gdown", "huggingface-cli")
_GIT = ("clone", "fetch", "pull")


class OfflineError(OSError):
    """User code tried to reach the network or to install a package."""


def go_offline() -> None:
    """Let every later attempt to use the network or to install raise ``OfflineError``."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    sys.addaudithook(_refuse)


@contextmanager
def jobs_offline() -> Iterator[None]:
    """A context in which the processes of jobs that start go offline."""
    before = os.environ.get(OFFLINE)
    os.environ[OFFLINE] = "1"
    try:
        yield
    finally:
        os.environ.pop(OFFLINE)
        if before is not None:
            os.environ[OFFLINE] = before


def offline_refusal(error: BaseException) -> str:
    """The text of the ``OfflineError`` that led to an error, as libraries wrap it; else empty."""
    seen: list[BaseException] = []
    todo: list[object] = [error]
    while todo:
        each = todo.pop()
        if isinstance(each, OfflineError):
            return str(each)
        if isinstance(each, BaseException) and not any(each is before for before in seen):
            seen.append(each)
            todo += [getattr(each, "reason", None), each.__cause__, each.__context__]
    return ""


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    refused = False
    if event == "socket.getaddrinfo":
        refused = True
    elif event in ("socket.connect", "socket.sendto"):
        refused = arguments[0].family in (socket.AF_INET, socket.AF_INET6)
    elif event == "subprocess.Popen":
        refused = _downloads(_words(arguments[1]))
    elif event == "os.system":
        refused = _downloads(_words(arguments[0]))
    if refused:
        raise OfflineError(_REASON)


def _words(command: Any) -> list[str]:
    parts = [command] if isinstance(command, (str, bytes)) else list(command or ())
    return [word for part in parts for word in os.fsdecode(part).split()]


def _downloads(words: list[str]) -> bool:
    names = [os.path.basename(word) for word in words]
    return any(name in _PROGRAMS for name in names) or (
        "git" in names and any(name in _GIT for name in names)
    )
