"""Takes every fix that ``archlint fix`` prints, applies exactly that, and runs the patched model.

Does each printed diff apply with ``git apply``, and does ``--write`` do the same; does the patched
model accept sizes of the contract's region, with the output that the contract names; is what is
printed of it true (the sizes that it accepts, whether the weights fit, where the output is as
before); do the other contracts of the file still hold; and is the fix that a maintainer would write
the first one?
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from click.testing import CliRunner
from torch import nn

from archlint.cli.fix import fix as command
from archlint.contracts.contract import Contract, ModelRef
from archlint.contracts.rulefile.load import load
from archlint.contracts.rulefile.phrase_parser import parse_clause
from archlint.engine.question import Question
from archlint.engine.sampling.input_values import build_input
from archlint.explanation.fixes.wrap import build
from archlint.runner import patched_project
from archlint.symbolic import evaluate
from archlint.symbolic.formula import holds
from tests.support.fix_models.case import Case

POINTS = 14  # sizes at which a patched model runs
WRITTEN = {"latin-1", "two files and CRLF"}


@dataclass(frozen=True)
class Printed:
    """A fix as it is printed: its title, its lines by label, and its diff or its code."""

    title: str
    lines: dict[str, str]
    diff: bytes
    code: str


@dataclass
class Outcome:
    """What became of one case: the fixes, what is wrong with them, and if the first is right."""

    case: Case
    fixes: list[Printed] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def first(self) -> bool:
        """Whether the expected fix is offered first, with what it takes to apply it."""
        if not self.fixes:
            return False
        one = self.fixes[0]
        ready = bool(one.diff or one.code) or not self.case.diff
        return ready and re.match(self.case.first, one.title) is not None


def write_project(case: Case, root: Path) -> None:
    """The project of a case: its file, and a rule file with its contracts."""
    root.mkdir(parents=True)
    (root / "pyproject.toml").touch()
    (root / "nets.py").write_bytes(case.content())
    for name, text in case.files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(case.content(text))
    lines = ["archlint: 1", "models:", f"  net: nets.py:{case.target}"]
    lines += [f"  {target}: nets.py:{target}" for target, _, _ in case.others]
    lines += ["contracts:", "  - id: it", "    models: [net]", f"    input: {case.input}"]
    lines += [f"    accepts: {case.accepts}"]
    lines += [f"    output: {case.output}"] if case.output else []
    for target, input, accepts in case.others:
        lines += [f'  - {{id: {target}, models: [{target}], input: {input}, accepts: "{accepts}"}}']
    (root / "archlint.yaml").write_text("\n".join(lines) + "\n")


def printed_fixes(output: bytes) -> list[Printed]:
    """The fixes in the output of the command for one contract."""
    blocks = re.split(rb"(?m)^  fix        ", output)[1:]
    fixes = []
    for block in blocks:
        title, _, rest = block.partition(b"\n")
        diff = re.search(rb"(?ms)^--- a/.*", rest)
        code = re.search(rb"(?ms)^    (?:import|class) .*", rest)
        text = diff[0].rstrip(b"\n") + b"\n" if diff else b""
        source = code[0].decode().split("\n") if code and not diff else []
        facts = dict(re.findall(r"(?m)^  (\w[\w ]*?)  +(\S.*)$", rest.decode(errors="replace")))
        fixes.append(Printed(title.decode(), facts, text, "\n".join(s[4:] for s in source)))
    return fixes


@contextlib.contextmanager
def imported(root: Path) -> Iterator[Any]:
    """The module ``nets`` of a folder, in a fresh import."""
    files = {file.relative_to(root).parts[0].removesuffix(".py") for file in root.rglob("*.py")}

    def forget() -> None:
        for name in [m for m in sys.modules if m.partition(".")[0] in files]:
            del sys.modules[name]

    sys.path.insert(0, str(root))
    try:
        forget()
        importlib.invalidate_caches()
        yield importlib.import_module("nets")
    finally:
        sys.path.remove(str(root))
        forget()


def points_of(contract: Contract) -> list[dict[str, int]]:
    """Sizes that the contract is about: the smallest, and others at random."""
    question, draw = Question.of(contract), random.Random(0)
    found: dict[tuple[int, ...], dict[str, int]] = {}
    for least in range(1, 40):
        point = dict.fromkeys(question.names, least)
        if holds(question.premise, point):
            found[tuple(point.values())] = point
            break
    for _ in range(4000):
        if len(found) == POINTS:
            break
        high = draw.choice((4, 12, 25, 45, 70))
        point = {n: draw.randint(1, 3 if n == "N" else high) for n in question.names}
        if holds(question.premise, point):
            found[tuple(point.values())] = point
    return list(found.values())


def failures(contract: Contract, model: nn.Module) -> list[str]:
    """The sizes at which the contract does not hold for a model, each with the reason."""
    model.eval()
    wrong = []
    for point in points_of(contract):
        inputs = build_input(contract.input, point)
        torch.manual_seed(0)
        try:
            with torch.no_grad():
                out = model(**inputs) if isinstance(inputs, Mapping) else model(inputs)
        except Exception as e:
            wrong.append(f"{point}: {type(e).__name__}: {' '.join(str(e).split())[:120]}")
            continue
        if contract.output is not None:
            expected = tuple(evaluate(d, point) for d in contract.output.dims)
            if tuple(out.shape) != expected:
                wrong.append(f"{point}: the output is {tuple(out.shape)}, not {expected}")
    return wrong


def false_lines(one: Printed, contract: Contract, before: nn.Module, after: nn.Module) -> list[str]:
    """What is printed of a fix and is not so: sizes that are accepted, weights, equal outputs."""
    wrong = []
    words, _, how = one.lines["accepts"].partition("   (")
    region = parse_clause(words if words == "any size" else f"any {words}", "accepts").region
    draw, names = random.Random(1), Question.of(contract).names
    for _ in range(POINTS):
        point = {n: draw.randint(1, 3 if n == "N" else draw.choice((9, 40))) for n in names}
        known = holds(region, point)
        if (known or "no other size" in how) and (_run(after, contract, point) is None) is known:
            wrong.append(f"accepts {words}: not so at {point}")
    target = after.model if one.code else after
    if one.lines.get("weights", "").startswith("the existing weights fit"):
        try:
            target.load_state_dict(before.state_dict())
        except RuntimeError as e:
            wrong.append(f"the weights do not fit: {e}")
    same = one.lines.get("same", "").removeprefix("output as before at ")
    for text in filter(None, same.split(", ")):
        point = {name: int(size) for name, size in re.findall(r"(\w+)=(\d+)", text)}
        outputs = [_run(model, contract, point) for model in (before, after)]
        if outputs[0] is None or not equal(*outputs):
            wrong.append(f"the output is not as before at {point}")
    return wrong


def equal(one: Any, other: Any) -> bool:
    """Whether two outputs have the same values, in parts of the same kind."""
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.allclose(one, other, atol=1e-5)
    if isinstance(one, Mapping):
        return list(one) == list(other) and all(equal(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)):
        same = (type(one).__name__, len(one)) == (type(other).__name__, len(other))
        return same and all(map(equal, one, other))
    if dataclasses.is_dataclass(one):
        return equal(vars(one), vars(other))
    return bool(one == other)


def _run(model: nn.Module, contract: Contract, point: Mapping[str, int]) -> Any:
    """The output of a model at some sizes; ``None`` if it raises."""
    inputs = build_input(contract.input, point)
    torch.manual_seed(0)
    try:
        with torch.no_grad():
            return model(**inputs) if isinstance(inputs, Mapping) else model(inputs)
    except Exception:
        return None


def problems_of(case: Case, one: Printed, root: Path) -> list[str]:
    """What is wrong with one printed fix, applied to a project of its own at ``root``."""
    write_project(case, root)
    if one.diff:
        ran = subprocess.run(["git", "apply", "-"], cwd=root, input=one.diff, capture_output=True)
        if ran.returncode:
            return [f"does not apply: {ran.stderr.decode()[:200]}"]
    elif not one.code:
        return []
    problems = []
    with imported(root) as module:
        for contract in load(root / "archlint.yaml").contracts:
            (ref,) = contract.models
            model = made(module, ref)
            if one.code and contract.id == "it":
                model = build(one.code, re.findall(r"class (\w+)", one.code)[0])(model)
            problems += [f"{contract.id}: {w}" for w in failures(contract, model)[:2]]
            if contract.id == "it":
                fixed = contract, model
    write_project(case, root := root.with_name(f"{root.name}-before"))
    with imported(root) as module:
        ref = load(root / "archlint.yaml").contracts[0].models[0]
        problems += false_lines(one, fixed[0], made(module, ref).eval(), fixed[1])
    return problems


def made(module: Any, ref: ModelRef) -> nn.Module:
    """A model of the module of a project, with weights that depend on its code only."""
    torch.manual_seed(0)
    return getattr(module, ref.target.partition(":")[2])(**ref.kwargs)  # type: ignore[no-any-return]


def run(
    case: Case, folder: Path, server: patched_project.CopyServer, *, write: bool = True
) -> Outcome:
    """Ask for the fixes of a case in a new folder, and try each of them.

    ``write``: also ask once more with ``--write``, which has to change the same bytes.
    """
    outcome, started = Outcome(case), time.perf_counter()
    root = folder / "project"
    write_project(case, root)
    output = _command(root, server)
    if isinstance(output, str):
        outcome.problems.append(output)
        return outcome
    outcome.fixes = printed_fixes(output)
    for number, one in enumerate(outcome.fixes):
        found = problems_of(case, one, folder / f"fix{number}")
        outcome.problems += [f"{one.title}: {problem}" for problem in found]
    written = next(
        (n for n, one in enumerate(outcome.fixes) if one.diff and "narrow the" not in one.title),
        None,
    )
    if write and written is not None:
        output = _command(root, server, "--write")
        names = ("nets.py", "archlint.yaml", *case.files)
        same = all(
            (root / n).read_bytes() == (folder / f"fix{written}" / n).read_bytes() for n in names
        )
        if isinstance(output, str) or not same:
            outcome.problems.append(f"--write did something else: {output!r}")
    outcome.seconds = time.perf_counter() - started
    return outcome


def check(case: Case, folder: Path, server: patched_project.CopyServer) -> None:
    """Raise unless each fix of the case is right, and the first is what a maintainer would write.

    A case in ``WRITTEN`` is also asked for with ``--write``.
    """
    outcome = run(case, folder, server, write=case.name in WRITTEN)
    assert outcome.problems == []
    assert outcome.fixes
    assert re.match(case.first, outcome.fixes[0].title), outcome.fixes[0].title
    assert outcome.first, "it comes without a diff or code"


def _command(root: Path, server: patched_project.CopyServer, *options: str) -> bytes | str:
    """What the command prints in a folder; a string if it fails."""
    context = contextlib.nullcontext(server)
    shared = mock.patch.object(patched_project, "CopyServer", return_value=context)
    with shared, contextlib.chdir(root) if hasattr(contextlib, "chdir") else _chdir(root):
        result = CliRunner().invoke(command, ["--select", "it", *options])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return f"the command raised {result.exception!r}"
    if result.exit_code == 2:
        return f"the command failed: {result.output[-300:]}"
    return result.stdout_bytes


@contextlib.contextmanager
def _chdir(folder: Path) -> Iterator[None]:
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
