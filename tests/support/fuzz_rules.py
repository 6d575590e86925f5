"""Mutated rule files and packs through ``archlint rules validate``'s function.

``python -m tests.support.fuzz_rules COUNT SEED`` makes COUNT of them and prints JSON. It
fails at the first exception, at the first mistake that says nothing, when any code is run, and
when the memory grows beyond a bound.
"""

import json
import os
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from archlint.cli.rules_validate import mistakes_in
from tests import REPO

MEMORY = 1 << 30  # bytes that reading may take beside what is taken before
RUNS_CODE = (
    "os.system", "subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn",
    "os.spawn", "socket.connect", "ctypes.dlopen", "pty.spawn", "import",
)  # fmt: skip

HOSTILE = [
    "!!python/object/apply:os.system ['touch ran']",
    "!!python/object/new:subprocess.Popen [['touch', 'ran']]",
    "!!python/name:os.system",
    "&a [*a, *a]",
    "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\n"
    "d: &d [*c,*c,*c,*c,*c,*c,*c]\ncontracts: [*d,*d,*d,*d,*d,*d,*d]",
    "[" * 3000,
    "{a: " * 3000,
    "- " * 3000,
    "? " * 500,
    "contracts:\n" + "".join(f"{'  ' * i}- a:\n" for i in range(200)),
    "archlint: 1\ncontracts: " + "[" * 31 + "]" * 31,
    "\ufeffarchlint: 1",
    "archlint: 1\n" * 2000,
    "models: {" + ", ".join(f"m{i}: a:b" for i in range(3000)) + "}",
]
TOKENS = [
    "&a ", "*a", "<<: *a", "!!binary ", "!!set {a}", "!!timestamp 2001-01-01", "!custom ", "? ",
    ": ", "- ", "\t", "\n", "\r", "\x00", "\x07", "\u2028", "\u0085", "\U0001f600", "é", "\ud7ff",
    "---\n", "...\n", "%YAML 9.9\n", "%TAG ! tag:x,2000:\n", "|\n  ", ">-\n  ", '"', "'", "#", "{",
    "}", "[", "]", ",", "null", "~", "true", ".inf", "-.nan", "1e999", "0x" + "f" * 60, "9" * 400,
    "-1", "0", "1_000", "0o17", "1:30", "2026-13-45", "any ", "only ", "H, W >= ", "H//0", "H % 0",
    "(" * 40, ")" * 40, "H*" * 300 + "H", "H%7%" * 80 + "3", "ceil(" * 20, "min(H,W)", "in {1,2}",
    "in 1..9 step 0", "not ", "and ", "or ", "..", "...", "_", "**", "≥", "&&", "{min}", "{{", "}}",
    "{nope}", "../../etc/passwd", "./pack.yaml", "archlint/any-size-classifier", "acme.py:f",
    "os:system", "fixture:x", "timm:" + "a" * 5000,
]  # fmt: skip
KEYS = [
    "archlint", "pack", "models", "contracts", "use", "with", "overrides", "waivers", "extends",
    "parameters", "examples", "id", "input", "accepts", "rejects", "output", "budget", "shape",
    "dtype", "below", "structure", "severity", "until", "xfail", "reason", "samples", "",
]  # fmt: skip


def corpus() -> list[bytes]:
    """Real rule files and packs, and texts that mean harm."""
    real = [p for top in ("examples", "rules", "tests") for p in REPO.glob(f"{top}/**/*.yaml")]
    return [p.read_bytes() for p in sorted(real)] + [text.encode() for text in HOSTILE]


def mutated(texts: list[bytes], draw: random.Random) -> bytes:
    """One of the texts, changed in one to six ways."""
    text = draw.choice(texts)
    for _ in range(draw.randint(1, 6)):
        text = draw.choice(MUTATIONS)(text, texts, draw)
    return text[:200_000]


def _span(text: bytes, draw: random.Random) -> tuple[int, int]:
    start = draw.randint(0, len(text))
    return start, min(len(text), start + draw.choice((1, 2, 8, 40, 300)))


def _flip(text: bytes, _texts: list[bytes], draw: random.Random) -> bytes:
    at = draw.randrange(len(text)) if text else 0
    return text[:at] + bytes([draw.randrange(256)]) + text[at + 1 :]


def _cut(text: bytes, _texts: list[bytes], draw: random.Random) -> bytes:
    start, end = _span(text, draw)
    return text[:start] + text[end:]


def _truncate(text: bytes, _texts: list[bytes], draw: random.Random) -> bytes:
    return text[: draw.randint(0, len(text))]


def _repeat(text: bytes, _texts: list[bytes], draw: random.Random) -> bytes:
    start, end = _span(text, draw)
    return text[:end] + text[start:end] * draw.choice((1, 3, 100)) + text[end:]


def _insert(text: bytes, _texts: list[bytes], draw: random.Random) -> bytes:
    at = draw.randint(0, len(text))
    return text[:at] + draw.choice(TOKENS).encode() + text[at:]


def _splice(text: bytes, texts: list[bytes], draw: random.Random) -> bytes:
    other = draw.choice(texts)
    return text[: draw.randint(0, len(text))] + other[draw.randint(0, len(other)) :]


def _indent(text: bytes, _texts: list[bytes], draw: random.Random) -> bytes:
    lines = text.split(b"\n")
    at = draw.randrange(len(lines))
    lines[at] = b" " * draw.randint(0, 9) + lines[at].lstrip()
    return b"\n".join(lines)


def _restructure(text: bytes, _texts: list[bytes], draw: random.Random) -> bytes:
    """Another tree: a value replaced, moved, repeated, removed or put deeper."""
    if len(text) > 20_000 or text.count(b"*") > 50:
        return text
    try:
        loaded = yaml.load(text, yaml.CSafeLoader)
        alone = json.dumps(loaded, default=str)  # nothing in it is shared
        if len(alone) > 200_000:
            return text
        tree = json.loads(alone)
    except (yaml.YAMLError, RecursionError, ValueError, TypeError, AttributeError):
        return text  # PyYAML itself raises AttributeError for !!timestamp with another text
    for _ in range(draw.randint(1, 4)):
        tree = _changed(tree, draw, 0)
    try:
        dumped = yaml.dump(tree, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
    except RecursionError:  # of PyYAML, for a tree that can be read and not written
        return text
    return dumped.encode("utf-8", "replace")


def _changed(tree: Any, draw: random.Random, depth: int) -> object:
    below: list[Any] = []
    if isinstance(tree, (dict, list)):
        below = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    if below and depth < 20 and draw.random() < 0.8:
        key = draw.choice(below)
        if draw.random() < 0.15:
            del tree[key]
        elif isinstance(tree, dict) and draw.random() < 0.2:
            tree[draw.choice(KEYS)] = tree.pop(key)
        else:
            tree[key] = _changed(tree[key], draw, depth + 1)
        return tree
    leaf = [
        None, True, -1, 0, 3, 10**40, 0.5, float("inf"), "", " ", [], {}, [[]], {"": None},
        draw.choice(TOKENS), [tree], {draw.choice(KEYS): tree}, [tree, tree],
    ]  # fmt: skip
    made = draw.choice(leaf)
    for _ in range(draw.choice((0, 0, 0, 5, 40))):
        made = [made] if draw.random() < 0.5 else {draw.choice(KEYS): made}
    return made


MUTATIONS = [_flip, _cut, _truncate, _repeat, _insert, _insert, _splice, _indent, _restructure]


def fuzz(count: int, seed: str) -> dict[str, object]:
    """Validate ``count`` files; what came out, and the slowest and largest of it."""
    texts = corpus()
    mistakes_in(sorted(REPO.glob("examples/**/*.yaml")))  # all that is imported is imported
    ran: list[str] = []
    watching = True
    packages = {name.partition(".")[0] for name in sys.modules} | sys.stdlib_module_names

    def audit(event: str, args: tuple[object, ...]) -> None:
        if watching and event.startswith(RUNS_CODE):
            name = str(args[0]).partition(".")[0] if event == "import" else ""
            if name not in packages:  # archlint's own rooms may be entered, those of models not
                ran.append(f"{event} {args[0]!r:.80}")

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if (
        sys.platform == "linux") else 0  # fmt: skip
    if taken:
        resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
    sys.addaudithook(audit)
    wrong = told = 0
    slowest = 0.0
    file = Path("archlint.yaml")
    for i in range(count):
        text = mutated(texts, random.Random(f"{seed} {i}"))
        file.write_bytes(text)
        began = time.process_time()
        try:
            mistakes = mistakes_in([file])
        except BaseException:
            print(f"seed {seed}, file {i}:\n{text[:3000]!r}", file=sys.stderr)
            raise
        slowest = max(slowest, time.process_time() - began)
        wrong += bool(mistakes)
        told += len(mistakes)
        for mistake in mistakes:
            assert mistake.where.line >= 1, mistake
            assert mistake.where.column >= 1, mistake
            assert mistake.found, mistake
            str(mistake).encode()
        assert not ran, (seed, i, ran)
    watching = False
    assert sorted(os.listdir()) == ["archlint.yaml"]
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {
        "files": count, "with mistakes": wrong, "mistakes": told,
        "slowest, CPU seconds": round(slowest, 3), "memory grown, MB": round(grown / 1024),
    }  # fmt: skip


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        print(json.dumps(fuzz(int(sys.argv[1]), sys.argv[2])))
