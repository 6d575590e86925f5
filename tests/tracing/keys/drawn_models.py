"""Models that store a key made from a size and look up one made from a number, as source files."""

from __future__ import annotations

import importlib.util
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

KEYS = {
    "text": 'f"{%s}"',
    "str": "str(%s)",
    "named": 'f"w{%s}"',
    "percent": '"%%d" %% %s',
    "size": "%s",
    "pair": "(%s, 3)",
    "joined": 'f"{%s}x{3}"',
    "spec": 'f"{%s:d}"',
    "mixed": '(f"{%s}", 1)',
    "added": '"k" + str(%s)',
}
PLACES = {
    "local": ("", "c = {}", "c"),
    "attribute": ("self.c = {}", "", "self.c"),
    "global": ("", "", "CACHE"),
    "class": ("", "", "self.SHARED"),
    "default": ("self.c = collections.defaultdict(list)", "", "self.c"),
    "ordered": ("self.c = collections.OrderedDict()", "", "self.c"),
    "aliased": ("self.c = self.d = {}", "", "self.c"),
}
NUMBERS = {
    "pooled": ("", "F.adaptive_avg_pool1d(x, 8).shape[2]"),
    "attribute": ("self.n = 8", "self.n"),
    "constant": ("", "8"),
    "elsewhere": ("", "other.number()"),
}
FOLLOWED = {
    "in": "return x if {k} in {c} else x[:, :1]",
    "not in": "k = {k}\n        return x[:, :1] if k not in {c} else x",
    "get": "return x[:, :{c}.get({k}, 2)]",
    "try": """try:
            return x[:, :{c}[{k}]]
        except KeyError:
            return x[:, :2]""",
    "caller": """try:
            return x[:, :other.find({c}, {k})]
        except KeyError:
            return x[:, :2]""",
    "helper": "return x[:, :other.got({c}, {k})]",
    "method": "return x[:, :self.found({k})] if hasattr(self, 'c') else x[:, :look({c}, {k})]",
    "keys": "return x if {k} in {c}.keys() else x[:, :1]",
    "list": "return x if {k} in list({c}) else x[:, :1]",
    "any": "k = {k}\n        return x if any(k == o for o in {c}) else x[:, :1]",
    "store": "{c}[{k}] = 2\n        return x[:, :len({c})]",
    "setdefault": "return x[:, :{c}.setdefault({k}, 2)]",
    "pop": "return x[:, :{c}.pop({k}, 2)]",
    "merged": "return x[:, :len({{**{c}, {k}: 2}})]",
    "count": "return x[:, :1 + list({c}).count({k})]",
    "del": """try:
            del {c}[{k}]
        except KeyError:
            return x
        return x[:, :1]""",
    "loop": """k = {k}
        for o in {c}:
            if o == k:
                return x
        return x[:, :1]""",
    "contains": "return x if operator.contains({c}, {k}) else x[:, :1]",
    "dunder": "return x if {c}.__contains__({k}) else x[:, :1]",
    "copy": "d = dict({c})\n        return x if {k} in d else x[:, :1]",
    "later": "{c}.pop(next(iter({c})))\n        return x if {k} in {c} else x[:, :1]",
    "first": "{c}[{k}] = 2\n        {c}.pop({k})\n        return x[:, :1 + len({c})]",
    "eqlist": "return x if [{k}] == list({c}) else x[:, :1]",
    "lambda": "f = lambda k: {c}.get(k, 2)\n        return x[:, :f({k})]",
    "nested": "d = {{'a': {c}}}\n        return x if {k} in d['a'] else x[:, :1]",
    "walrus": "return x if (k := {k}) in {c} else x[:, :1]",
    "unequal": "return x if all({k} != o for o in {c}) else x[:, :1]",
    "chained": "k = {k}\n        return x if k == next(iter({c})) == k else x[:, :1]",
    "twice": "{c}[{k}] = 2\n        return x[:, :{c}[{k}]] if len({c}) > 1 else x",
    "inner": """def found(k):
            return {c}[k] if k in {c} else 2
        return x[:, :found({k})]""",
    "bound": "g = {c}.get\n        return x[:, :g({k}, 2)]",
}
"""Look-ups, each of which is a branch."""

OTHERS = {
    "union": "return x[:, :len({{*{c}, {k}}})]",
    "subset": "return x if {{{k}}} <= {c}.keys() else x[:, :1]",
    "and": "return x if {{{k}}} & {c}.keys() else x[:, :1]",
    "equal": "return x if {c} == {{{k}: 1}} else x[:, :1]",
    "filter": "return x[:, :1 + len(list(filter({k}.__eq__, {c})))]",
    "map": "return x[:, :2 if None in list(map({c}.get, [{k}])) else 1]",
    "match": """k = {k}
        for o in {c}:
            match o:
                case other.eight:
                    pass
            if o in (k,):
                return x
        return x[:, :1]""",
    "set": "d = set({c})\n        return x if {k} in d else x[:, :1]",
    "comprehension": "d = {{o: 1 for o in {c}}}\n        return x if {k} in d else x[:, :1]",
    "counter": "d = collections.Counter({c})\n        return x if {k} in d else x[:, :1]",
    "length": "return x[:, :len(str(next(iter({c}))))]",
    "order": "return x if max([*{c}, {k}], key=str) == {k} else x[:, :1]",
    "int": """return (
            x if all(int(str(o).strip('wk(,) x\\'')[:1] or 0) > 2 for o in {c}) else x[:, :1]
        )""",
    "starts": "return x if str(next(iter({c}))).startswith('8') else x[:, :1]",
    "zip": "return x if {k} in dict(zip({c}, range(3))) else x[:, :1]",
    "fromkeys": "return x if {k} in dict.fromkeys({c}) else x[:, :1]",
    "index": """try:
            return x[:, :list({c}).index({k}) + 1]
        except ValueError:
            return x[:, :2]""",
    "tuple": "return x if ({k}, 1) in [(o, 1) for o in {c}] else x[:, :1]",
    "items": "return x if ({k}, 1) in {c}.items() else x[:, :1]",
    "sorted": "return x if sorted([*{c}, {k}], key=str)[0] == {k} else x[:, :1]",
    "slice": "return x if str(next(iter({c})))[-1:] == '8' else x[:, :1]",
    "letters": "return x[:, :1 + len([a for a in str(next(iter({c}))) if a == '8'])]",
    "partial": "return x[:, :functools.partial({c}.get)({k}, 2)]",
    "getter": """try:
            return x[:, :operator.itemgetter({k})({c})]
        except KeyError:
            return x[:, :2]""",
    "chain": "return x if {k} in collections.ChainMap({c}) else x[:, :1]",
    "names": """def taking(**names):
            return {k} in names
        return x if all(isinstance(o, str) for o in {c}) and taking(**{c}) else x[:, :1]""",
    "update": "d = {{{k}: 2}}\n        d |= {c}\n        return x[:, :len(d)]",
    "pairs": "return x[:, :len(dict([*((o, 1) for o in {c}), ({k}, 2)]))]",
    "deep": "return x if {k} in copy.deepcopy({c}) else x[:, :1]",
    "shared": "return x if not {{{k}}}.isdisjoint({c}) else x[:, :1]",
    "generator": """def each():
            yield from {c}
        return x if {k} in set(each()) else x[:, :1]""",
}
"""Look-ups and other uses, each of which is right or unknown."""

_MODEL = """import collections, copy, functools, operator
import torch
from torch import nn
from torch.nn import functional as F
import {other} as other

CACHE = {{}}

def look(c, k):
    return c[k] if k in c else 2

class Model(nn.Module):
    SHARED = {{}}

    def __init__(self):
        super().__init__()
        {first}
        {second}
        pass

    def found(self, k):
        return self.c[k] if k in self.c else 2

    def forward(self, x):
        {made}
        {c}[{size}] = 1
        {look}
"""
_OTHER = """eight = "8"

def number():
    return 8

def find(c, k):
    return c[k]

def got(c, k):
    return c.get(k, 2)
"""


class Drawn(NamedTuple):
    """The names of the parts of a model."""

    look: str
    key: str
    place: str
    number: str


def drawn(seed: int) -> Iterator[Drawn]:
    """A model for each way of looking up."""
    draws = random.Random(seed)
    for look in (*FOLLOWED, *OTHERS):
        yield Drawn(look, *(draws.choice(list(parts)) for parts in (KEYS, PLACES, NUMBERS)))


def loaded(folder: Path, names: Drawn) -> ModuleType:
    """The module of the model, whose class is ``Model``."""
    other = "look_ups_elsewhere"
    if other not in sys.modules:
        _load(folder, other, _OTHER)
    first, made, c = PLACES[names.place]
    second, number = NUMBERS[names.number]
    key = KEYS[names.key]
    look = {**FOLLOWED, **OTHERS}[names.look].format(k=f"({key % number})", c=c)
    parts = {"first": first, "second": second, "made": made, "c": c, "look": look}
    text = _MODEL.format(other=other, size=key % "x.shape[2]", **parts)
    return _load(folder, "looks_up_" + "_".join(names).replace(" ", "_"), text)


def _load(folder: Path, name: str, text: str) -> ModuleType:
    path = folder / f"{name}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
