"""Texts of sizes that code named ``print`` or ``log`` gets: the name does not say what it does."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import io
import logging
import pprint
import random
import string
import sys
import warnings

import pytest
import torch
from torch import nn

import archlint

Pair = collections.namedtuple("Pair", "size")
TEXTS = {
    "f": lambda t: f"{t}",
    "str": lambda t: str(t),
    "percent d": lambda t: "%d" % t,  # noqa: UP031
    "percent s": lambda t: "size %s" % (t,),  # noqa: UP031
    "format": lambda t: "size {}".format(t),  # noqa: UP032
    "named tuple": lambda t: f"{Pair(t)}",
    "data class": lambda t: repr(dataclasses.make_dataclass("D", ["size"])(t)),
    "list": lambda t: str([t]),
    "joined": lambda t: ", ".join(["a", str(t)]),
    "pprint": lambda t: pprint.pformat([t]),
    "template": lambda t: string.Template("$a").substitute(a=t),
    "width": lambda t: f"{'a':>{t}}",
    "inner width": lambda t: "{:>{}}".format("a", t),
}


def length_of_print(text, size):
    print = len
    return print(text(size))


def length_of_kept_record(text, size):
    class Keeps(logging.Handler):
        def emit(self, record):
            found.append(len(record.getMessage()))

    found = []
    logger = logging.Logger("own")
    logger.addHandler(Keeps())
    logger.warning(text(size))
    return found[0]


def length_of_logged_number(text, size):
    stream = io.StringIO()
    logger = logging.Logger("own")
    logger.addHandler(logging.StreamHandler(stream))
    logger.warning("%d", size)
    return len(stream.getvalue())


def length_of_printed(text, size):
    file = io.StringIO()
    print(text(size), file=file)
    return len(file.getvalue())


def length_of_error(text, size):
    error = ValueError(text(size))
    return len(str(error))


def length_thrown(text, size):
    def waits():
        try:
            yield
        except ValueError as e:
            yield len(str(e))

    waiting = waits()
    next(waiting)
    return waiting.throw(ValueError(text(size)))


def length_in_manager(text, size):
    class Ends:
        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            self.found = len(str(error))
            return True

    with Ends() as ends:
        raise ValueError(text(size))
    return ends.found


def length_in_generator(text, size):
    @contextlib.contextmanager
    def ends():
        try:
            yield
        except ValueError as e:
            found.append(len(e.args[0]))

    found = []
    with ends():
        raise ValueError(text(size))
    return found[0]


def length_in_handler(text, size):
    def log(error):
        found.append(len(str(error)))

    found = []
    try:
        raise ValueError(text(size))
    except ValueError as e:
        log(e)
    return found[0]


def length_by_own_function(text, size):
    def debug(first, *more):
        found.extend(len(m) for m in more)

    found = []
    debug(1, text(size))
    return found[0]


READERS = [
    *(length_of_print, length_of_kept_record, length_of_logged_number, length_of_printed),
    *(length_of_error, length_thrown, length_in_manager, length_in_generator, length_in_handler),
    length_by_own_function,
]
DRAWN = [(reader, text) for reader in READERS for text in random.Random(5).sample([*TEXTS], 4)]


@pytest.mark.parametrize(("reader", "text"), DRAWN)
def test_a_text_that_a_function_of_such_a_name_keeps(reader, text):
    class Keeps(nn.Module):
        def forward(self, x):
            return torch.zeros(reader(TEXTS[text], x.shape[1]))

    first, last = (reader(TEXTS[text], t) for t in (1, 12))
    assert first != last
    contract = {"accepts": "any N >= 1 and 1 <= T <= 12", "samples": 0}
    for length in (first, last):
        verdict = archlint.check(Keeps(), "N T", output=str(length), **contract)
        assert verdict.word != "proved", str(verdict)


@dataclasses.dataclass
class Config:
    size: int


class Shows(nn.Module):
    """Shows sizes in ways that cost nothing."""

    def __init__(self, show):
        super().__init__()
        self.show = show
        self.logger = logging.getLogger(__name__)

    def log(self, text, *more):
        self.logger.info(text, *more)

    def debug(self, *parts, end=""):
        print(*parts, end=end)

    def forward(self, x):
        if x.shape[1] % 3 == 1:
            self.show(self, x.shape[1])
        return x


def raises_error(model, t):
    error = ValueError(f"bad {t}")
    raise error


def raises_tuple(model, t):
    raise ValueError(f"{Pair(t)} of {Config(t)}, {[t]}")


SHOWN = [
    lambda model, t: model.log(f"size {t}"),
    lambda model, t: model.log("size %d of %s", t, Pair(t)),
    lambda model, t: model.debug("size", str(t)),
    lambda model, t: model.logger.warning("size %d", t),
    lambda model, t: logging.getLogger(__name__).debug("%s", Config(t)),
    lambda model, t: print(f"{t}", file=sys.stderr),
    lambda model, t: warnings.warn(UserWarning(f"size {t}"), stacklevel=2),
    *(raises_error, raises_tuple),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("show", SHOWN)
def test_a_text_that_is_only_shown_costs_nothing(show):
    found = archlint.infer(Shows(show), "N T")
    assert found.exact
    assert found.text == ("T % 3 != 1" if show in (raises_error, raises_tuple) else "any size")


class Reports(nn.Module):
    """Calls a function of its own, or one that it is given, where a value is above 0."""

    def __init__(self, effect):
        super().__init__()
        self.effect = effect

    def error(self, text):
        if self.effect == "raises":
            raise ValueError(text)
        self.rows = 2

    def forward(self, x):
        self.rows = 1
        found = []
        warn = found.append
        if self.effect == "appends":
            if x.sum() > 0:
                warn("above")
        elif x.sum() > 0:
            self.error("above")
        return torch.zeros(self.rows + len(found))


@pytest.mark.parametrize("effect", ["raises", "writes", "appends"])
def test_a_branch_on_values_is_no_report_because_of_a_name(effect):
    accepts = {"accepts": "any size", "samples": 0}
    words = {archlint.check(Reports(effect), "N T", output=n, **accepts).word for n in ("1", "2")}
    assert "proved" not in words
