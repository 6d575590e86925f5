"""PyTorch's meta kernels against its CPU kernels, on the cases of the shape rules' tests.

    python benchmarks/kernels.py [--seed 1] [--only EXPRESSION]

The tests of ``tests/ops`` run once. Each call that they make of a real operator is made again on
meta tensors of the same sizes, with the kernels that answer where archlint has no rule. The table
says for each operator where the two differ; the CPU is right. What differs belongs into
docs/kernels.md. For pytest this file is a plugin, which compares.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

REPO = Path(__file__).parents[1]
FOUND = "KERNEL_DIFFERENCES"  # the file in which the plugin leaves what it found
MORE, LESS, NONE = "accepts more", "accepts less", "there is none"
SHAPE, STRIDES = "another shape", "other strides"
_found: dict[str, dict[str, list[Any]]] = {}
_cases: Counter[str] = Counter()


def pytest_configure(config: Any) -> None:
    """Make each call of the oracle on meta tensors too."""
    from archlint.symbolic import evaluate
    from tests.ops import oracle

    real_call = oracle.real_call

    def compared(function: Any, args: Any, kwargs: Any, env: Mapping[str, int]) -> Any:
        cpu = real_call(function, args, kwargs, env)
        name = name_of(function)
        _cases[name] += 1
        meta = on_meta(function, args, kwargs, env)
        word = difference(cpu, meta)
        if word:
            a, k = oracle._build(
                (args, tuple(kwargs.items())), lambda t: t.spec(env), lambda s: evaluate(s, env)
            )
            left = lacks_rule(function, a, dict(k), env) and not tried(cpu[1])
            keep(name, word, left, f"{a} {dict(k)}: {said(cpu, word)} / {said(meta, word)}")
        return cpu

    oracle.real_call = compared


def lacks_rule(function: Any, args: Any, kwargs: Any, env: Mapping[str, int]) -> bool:
    """Whether archlint leaves the call to the meta kernel."""
    from archlint.ops.registry import RULES, NoRule, Refused
    from tests.ops.oracle import HintPath

    rule = RULES.get(function)
    if rule is None:
        return True
    try:
        rule(HintPath(env), *args, **kwargs)
    except NoRule:
        return True
    except Refused:
        pass
    return False


def tried(error: Exception | None) -> bool:
    """Whether archlint hears of it where it has no rule: it tries dtypes on the CPU."""
    return isinstance(error, NotImplementedError)


def name_of(function: Any) -> str:
    module = str(getattr(function, "__module__", None) or "torch")
    name = f"{module}.{getattr(function, '__qualname__', function)}"
    return name.replace("_VariableFunctionsClass.", "").replace("TensorBase.", "Tensor.")


def on_meta(
    function: Any, args: Any, kwargs: Any, env: Mapping[str, int]
) -> tuple[Any, Exception | None]:
    """What the meta kernel gives for a call of the oracle at ``env``, or what it raised."""
    from torch._dispatch.python import enable_python_dispatcher

    from archlint.symbolic import evaluate
    from tests.ops import oracle

    def tensor(made: Any) -> torch.Tensor:
        real = made.real(env)
        return torch.empty_strided(real.shape, real.stride(), dtype=real.dtype, device="meta")

    items = tuple(kwargs.items())
    a, k = oracle._build((args, items), tensor, lambda s: evaluate(s, env))
    try:
        with torch.no_grad(), torch.device("meta"), enable_python_dispatcher():
            return function(*a, **dict(k)), None
    except Exception as e:
        return None, e


def difference(cpu: tuple[Any, Any], meta: tuple[Any, Any]) -> str:
    """How the two differ, in a word; empty if they do not. Each is a result and an error."""
    if cpu[1] is not None:
        return MORE if meta[1] is None else ""
    if meta[1] is not None:
        return NONE if isinstance(meta[1], NotImplementedError) else LESS
    if shapes(cpu[0]) != shapes(meta[0]):
        return SHAPE
    return STRIDES if strides(cpu[0]) != strides(meta[0]) else ""


def shapes(result: Any) -> Any:
    if isinstance(result, torch.Tensor):
        return tuple(result.shape), str(result.dtype)[6:]
    if isinstance(result, (tuple, list)):
        return [shapes(r) for r in result]
    return result


def strides(result: Any) -> Any:
    """The strides that matter: of dimensions of more than one element, where there are any."""
    if isinstance(result, torch.Tensor):
        rows = zip(result.shape, result.stride(), strict=True)
        return [s for n, s in rows if n > 1] if result.numel() else []
    return [strides(r) for r in result] if isinstance(result, (tuple, list)) else None


def said(answer: tuple[Any, Any], word: str) -> str:
    result, error = answer
    if error is not None:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return str(strides(result) if word == STRIDES else shapes(result))


def keep(name: str, word: str, left: bool, example: str) -> None:
    """Count the case; keep as an example one that is left to the kernel, of those the shortest."""
    counted = _found.setdefault(name, {}).setdefault(word, [0, 0, ""])
    if left and not counted[1]:
        counted[2] = example
    if left or not counted[1]:
        counted[2] = min(counted[2] or example, example, key=len)
    counted[0] += 1
    counted[1] += left


def pytest_unconfigure() -> None:
    if FOUND in os.environ:
        Path(os.environ[FOUND]).write_text(json.dumps([_cases, _found]))


def main() -> int:
    from table import write

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="a pytest -k expression")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "found.json")
        command = [
            sys.executable, "-m", "pytest", "tests/ops", "-q", "--tb=line", "-k", options.only,
            "-p", "no:cacheprovider", "-p", "benchmarks.kernels", "--basetemp", f"{folder}/t",
            f"--hypothesis-seed={options.seed}",
        ]  # fmt: skip
        failed = subprocess.run(command, cwd=REPO, env={**os.environ, FOUND: str(file)}).returncode
        cases, found = json.loads(file.read_text())
    rows = [
        (name, word, f"{count:,} of {cases[name]:,}", f"{left:,}", example[:400])
        for name, words in sorted(found.items())
        for word, (count, left, example) in sorted(words.items())
    ]
    how = Counter(word for _, word, *_ in rows)
    said = [
        f"{sum(cases.values()):,} calls of {len(cases)} operators, "
        f"the meta kernels of {len(found)} "
        "differ from those of the CPU: " + ", ".join(f"{w} {n}" for w, n in how.most_common())
    ]
    print(*said, *map("  ".join, rows), sep="\n")
    if not options.only:
        head = ("operator", "meta", "calls", "without a rule", "call: CPU / meta")
        write("kernels", "python benchmarks/kernels.py", said, head, rows)
    return failed


if __name__ == "__main__":
    sys.exit(main())
