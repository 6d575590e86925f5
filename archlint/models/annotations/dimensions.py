"""The dimensions of a jaxtyping annotation, ``"b 3 h//2 w//2"``, as sizes of a contract.

https://docs.kidger.site/jaxtyping/api/array/ defines the notation.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from archlint.contracts.contract import ANY_SIZE, ANY_SIZES, TensorInput, TensorOutput, Wildcard
from archlint.contracts.rulefile.grammar import RESERVED
from archlint.contracts.rulefile.phrase_parser import parse_size
from archlint.contracts.rulefile.tensor_schema import DTYPES
from archlint.errors import ArchlintError, PhraseError
from archlint.symbolic import Size

_NAME = re.compile(r"[A-Za-z_]\w*(?![\w(])")
_FIELD = re.compile(r"\{([^{}]*)\}")
_RULE_FILE = "a rule file can have one contract for each"


class NotStatable(ArchlintError):
    """An annotation that a contract cannot state; the text is the reason."""


class Dimensions:
    """Reads the shapes of one ``forward``: first all its inputs, then its outputs.

    ``model``: the model, for dimensions such as ``{self.width}``.
    """

    def __init__(self, model: object) -> None:
        self._model = model
        self._names: dict[str, str] = {}  # in the annotations, and in the contract
        self._free: Counter[str] = Counter()  # names that only outputs have

    def input(self, text: str, dtypes: object) -> TensorInput:
        """The tensor that an annotation of an argument states. Raises ``NotStatable``.

        ``dtypes`` are the names of the dtypes that it allows. The tensor has the first that rule
        files have, in their order; float32, if it allows every one.
        """
        dims, words = [], []
        for entry in _entries(text):
            marks, size = _marks(entry)
            if marks & {"*", "..."}:
                raise NotStatable(f"{entry!r} is any number of sizes; {_RULE_FILE}")
            word = self._new(size) if "_" in marks else self._size(size, bind=True)
            dims.append(_parsed(entry, word))
            words.append(word)
        return TensorInput(tuple(dims), _dtype(dtypes), None, " ".join(words))

    def output(self, text: str) -> TensorOutput:
        """The tensor that an annotation of an output states. Raises ``NotStatable``."""
        dims: list[Size | Wildcard] = []
        words = []
        for entry in _entries(text):
            marks, size = _marks(entry)
            if marks & {"*", "..."}:
                word = "..."
                dims.append(ANY_SIZES)
            elif "_" in marks or (size.isidentifier() and size not in self._names):
                word = "_"
                self._free[size] += not marks
                dims.append(ANY_SIZE)
            else:
                word = self._size(size, bind=False)
                dims.append(_parsed(entry, word))
            words.append(word)
        if words.count("...") > 1:
            raise NotStatable(f"{text!r} has any number of sizes at two places")
        for name, count in self._free.items():
            if count > 1 and name:
                raise NotStatable(f"{name!r} is a size of outputs only, and occurs {count} times")
        return TensorOutput(tuple(dims), " ".join(words))

    def _size(self, text: str, bind: bool) -> str:
        """A size as a rule file writes it. ``bind``: it may have new names."""
        text = _FIELD.sub(lambda field: self._attribute(field[1]), text)
        names = [] if text.isdecimal() else _NAME.findall(text)
        for name in names:
            if name not in self._names and bind:
                self._names[name] = self._unused(name)
            elif name not in self._names:
                raise NotStatable(f"{name!r} in {text!r} is not a size of an input")
        return _NAME.sub(lambda name: self._names[name[0]], text) if names else text

    def _new(self, text: str) -> str:
        """A name that stands for a size without restrictions."""
        word = self._unused(text if text.isidentifier() else "size")
        self._names[f"_{word}"] = word
        return word

    def _unused(self, name: str) -> str:
        used, number, word = {*self._names.values(), *RESERVED}, 2, name
        while word in used:
            word, number = f"{name}{number}", number + 1
        return word

    def _attribute(self, text: str) -> str:
        """The value of ``{self.width}``."""
        value: Any = self._model
        first, *path = text.strip().split(".")
        for part in path:
            value = getattr(value, part, None)
        if first != "self" or isinstance(value, bool) or not isinstance(value, int):
            raise NotStatable(
                f"{'{' + text + '}'!r} is not an attribute of the model that is a whole number"
            )
        return str(value)


def _entries(text: str) -> list[str]:
    if "," in re.sub(r"\([^()]*\)", "", text):
        raise NotStatable(f"{text!r} has a comma; sizes are separated by spaces")
    return text.split()


def _marks(entry: str) -> tuple[set[str], str]:
    """The marks in front of a dimension, and the rest: ``*batch``, ``_``, ``rows=4``."""
    if entry == "...":
        return {"..."}, ""
    marks, size = set(), entry
    while size:
        if size[0] in "#*_?":
            marks.add(size[0])
            size = size[1:]
        elif size.count("=") == 1:
            size = size.partition("=")[2]
        else:
            break
    if "#" in marks:
        raise NotStatable(f"{entry!r} is either 1 or another size; {_RULE_FILE}")
    if "?" in marks or "..." in size:
        raise NotStatable(f"{entry!r} is not a size of one tensor")
    if not size and "_" not in marks:
        raise NotStatable(f"{entry!r} has no size")
    return marks, size


def _parsed(entry: str, word: str) -> Size:
    try:
        return parse_size(word)
    except PhraseError as error:
        raise NotStatable(f"{entry!r} is not a size of a contract: {error}") from None


def _dtype(dtypes: object) -> str:
    if not isinstance(dtypes, (list, tuple)):
        return DTYPES[0]
    known = [dtype for dtype in DTYPES if dtype in dtypes]
    if not known:
        raise NotStatable(f"rule files have no dtype {' or '.join(map(str, dtypes))}")
    return known[0]
