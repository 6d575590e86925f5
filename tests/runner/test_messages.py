"""A message counts only as the answer to its own job."""

import json
from dataclasses import replace

import pytest

from archlint.contracts.job import Job
from archlint.contracts.verdict import Proof, Verdict
from archlint.runner.cache.codec import encode
from archlint.runner.messages import (
    LONGEST,
    Answer,
    MessageError,
    content_of,
    decode_answer,
    encode_answer,
    framed,
)
from tests import REPO
from tests.support.stub_cli import contract

CONTRACT = contract()
JOB = Job(CONTRACT, CONTRACT.models[0], REPO)
VERDICT = Verdict("proved", "any-photo", "proved", proof=Proof(1, 2, True))


def test_an_answer_comes_back_whole():
    answer = Answer(VERDICT, {"files": {"/a": "b"}})
    assert decode_answer(encode_answer("n", answer), "n", JOB) == answer


def test_an_answer_that_would_not_be_read_is_not_sent(monkeypatch):
    monkeypatch.setattr("archlint.runner.messages.LONGEST", 1 << 10)
    with pytest.raises(MessageError, match="at most"):
        encode_answer("n", Answer(replace(VERDICT, message="z" * (1 << 10)), None))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[[[[",
        b"[" * 100_000,
        b"null",
        json.dumps(["other", encode(VERDICT), None]).encode(),
        json.dumps(["n", encode(replace(VERDICT, contract="another")), None]).encode(),
        json.dumps(["n", encode(replace(VERDICT, model="another")), None]).encode(),
        json.dumps(["n", ["list", 1], None]).encode(),
        json.dumps(["n", ["os.system", "touch RAN"], None]).encode(),
        json.dumps(["n", encode(VERDICT), 3]).encode(),
        json.dumps(["n", [*encode(VERDICT)[:1], "perfect"], None]).encode(),
    ],
)
def test_anything_else_is_no_answer(content):
    with pytest.raises(MessageError):
        decode_answer(content, "n", JOB)


def test_a_message_has_its_length_in_front():
    message = framed(b"abc")
    assert content_of(message) == b"abc"
    assert all(content_of(message[:n]) is None for n in range(len(message)))
    with pytest.raises(MessageError):
        content_of((LONGEST + 1).to_bytes(8, "big"))
