"""Messages between the processes of a run: length-prefixed bytes, and verdicts as JSON.

A verdict comes from a process in which the user's code runs, so it is decoded as data. It counts
only with the nonce of its job, which is new for each job, and for the contract and the model of
that job.
"""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import dataclass
from typing import Any

from archlint.contracts.job import Job
from archlint.contracts.verdict import Verdict
from archlint.runner.cache.codec import decode, encode

LONGEST = 1 << 26  # bytes of a message; a longer one is not read
_LENGTH = struct.Struct("!Q")


class MessageError(Exception):
    """Bytes that are not a message of this job."""


@dataclass(frozen=True)
class Answer:
    """The verdict on a job and what it depends on, as ``Dependencies.to_json`` returns it."""

    verdict: Verdict
    dependencies: dict[str, Any] | None


def framed(content: bytes) -> bytes:
    """The content with its length in front."""
    return _LENGTH.pack(len(content)) + content


def content_of(received: bytes | bytearray) -> bytes | None:
    """The content of a framed message; ``None`` if it is not complete yet.

    Raises ``MessageError`` if the length is impossible.
    """
    if len(received) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack_from(received)
    if length > LONGEST:
        raise MessageError("the message has an impossible length")
    end = _LENGTH.size + length
    return bytes(received[_LENGTH.size : end]) if len(received) >= end else None


def receive(channel: socket.socket) -> bytes:
    """Read one framed message. Raises ``EOFError`` if the channel is closed before its end."""
    received = bytearray()
    while (content := content_of(received)) is None:
        part = channel.recv(1 << 16)
        if not part:
            raise EOFError
        received += part
    return content


def encode_answer(nonce: str, answer: Answer) -> bytes:
    """The answer as JSON. Raises ``TypeError`` for a verdict that JSON cannot hold.

    Raises ``MessageError`` if it is too long to be read: the model's own texts are.
    """
    data = [nonce, encode(answer.verdict), answer.dependencies]
    content = json.dumps(data).encode()
    if len(content) > LONGEST:
        size = f"{len(content) >> 20} MiB; at most {LONGEST >> 20} MiB are read"
        raise MessageError(
            f"the messages and output of the model make the verdict too long: {size}"
        )
    return content


def decode_answer(content: bytes, nonce: str, job: Job) -> Answer:
    """Return the answer to a job. Raises ``MessageError`` if the content is anything else."""
    try:
        data = json.loads(content)
        if not isinstance(data, list) or len(data) != 3 or data[0] != nonce:
            raise MessageError("the message is not for this job")
        verdict = decode(data[1])
        dependencies = data[2]
    except MessageError:
        raise
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as e:
        raise MessageError(f"the message cannot be read: {e}") from e
    if not isinstance(verdict, Verdict) or not isinstance(dependencies, (dict, type(None))):
        raise MessageError("the message contains no verdict")
    if (verdict.contract, verdict.model) != (job.contract.id, job.ref.name):
        raise MessageError("the message is about another contract")
    return Answer(verdict, dependencies)
