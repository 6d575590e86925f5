"""Infers what the small models of a folder accept, and compares with what running them showed.

    python benchmarks/small_models.py FOLDER [--only GLOB] [--seconds S] [--verbose] [--json FILE]

Each ``*.json`` file of the folder is a table: a list of rows ``{name, module, make, input, mode,
names, points}``. ``make`` is an attribute of ``module``, or a key of its ``MAKE``, that builds a
model; ``points`` are ``[sizes, accepted, output]``, where ``accepted`` is null if runs disagreed. A
row with ``draws`` is a model that draws at random: right for it is "not known".

A model is *wrong* if the inferred set or output contradicts a point, *exact* if the set is proved,
else *open*. Each model runs in a process of its own. Exits with 1 if a model is wrong or crashes.

The printed set of an exact model is read back as a rule file's ``accepts`` and has to hold the same
sizes: at the table's points and at DRAWN more, small and large.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import importlib
import json
import multiprocessing
import random
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LINE = 120  # characters in which a set should be said
DRAWN = 500  # sizes at which a set is compared with its words


def agree(inferred: Any, real: Any) -> bool:
    """Whether an inferred output may be the real one; what is not known agrees with all."""
    if isinstance(inferred, bool) or inferred is None or isinstance(inferred, str):
        return True
    if isinstance(inferred, int):
        return bool(inferred == real)
    left, right = list(shapes(inferred)), list(shapes(real))
    return len(left) == len(right) and all(map(alike, left, right))


def shapes(output: Any) -> Iterator[Any]:
    """The shapes in a nested output, in order."""
    if isinstance(output, dict):
        for part in output.values():
            yield from shapes(part)
    elif isinstance(output, (list, tuple)) and any(
        isinstance(part, (list, tuple, dict)) for part in output
    ):
        for part in output:
            yield from shapes(part)
    else:
        yield output


def alike(inferred: Any, real: Any) -> bool:
    """Whether one shape may be another."""
    if not isinstance(inferred, (list, tuple)) or not isinstance(real, (list, tuple)):
        return True
    same = (not isinstance(a, int) or a == b for a, b in zip(inferred, real, strict=False))
    return len(inferred) == len(real) and all(same)


def compared(row: dict[str, Any], folder: Path, seconds: float) -> dict[str, Any]:
    """The result for one row."""
    import torch

    import archlint

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    sys.path.insert(0, str(folder))
    start = time.process_time()
    module = importlib.import_module(row["module"])
    make = getattr(module, row["make"], None) or module.MAKE[row["make"]]
    model = make()
    with contextlib.suppress(NotImplementedError):  # an exported program has no modes
        model.train(row["mode"] == "train")
    found = archlint.infer(model, row["input"], mode=row["mode"], seconds=seconds)
    result: dict[str, Any] = {"text": found.text, "reasons": list(found.reasons), "wrong": []}
    for sizes, accepted, output in row["points"]:
        point = dict(zip(row["names"], sizes, strict=True))
        said = None if accepted is None else found.accepts(**point)
        if said is None:
            continue
        if said != accepted or row.get("draws"):
            result["wrong"].append(f"{point}: {said}, runs: {accepted}")
        elif said and not agree(found.output(**point), output):
            result["wrong"].append(f"{point}: {found.output(**point)}, is {output}")
    if found.exact:
        points = [dict(zip(row["names"], sizes, strict=True)) for sizes, *_ in row["points"]]
        result["wrong"] += differences(found, points)
    result["seconds"] = round(time.process_time() - start, 2)
    result["word"] = "wrong" if result["wrong"] else "exact" if found.exact else "open"
    return result


def differences(found: Any, points: list[dict[str, int]]) -> list[str]:
    """Sizes at which the printed set, read as a rule file's, is not the set that was found."""
    from archlint.contracts.rulefile.phrase_parser import parse_clause
    from archlint.symbolic.formula import holds

    region: Any = False
    if found.text != "no size":
        text = found.text if found.text == "any size" else f"only {found.text}"
        region = parse_clause(text, "accepts").region
    draws = random.Random(found.text)
    drawn = [
        {name: 1 + draws.randrange(draws.choice((4, 40, 400, 4000))) for name in points[0]}
        for _ in range(DRAWN)
    ]
    return [
        f"{point}: read back as {not found.accepts(**point)}"
        for point in points + drawn
        if found.accepts(**point) not in (None, holds(region, point))
    ]


def in_process(row: dict[str, Any], folder: Path, seconds: float) -> dict[str, Any]:
    """The result for one row from a process of its own, which may die or hang."""
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(False)

    def work() -> None:
        try:
            send.send(compared(row, folder, seconds))
        except Exception as error:
            send.send({"word": "crash", "reasons": [f"{type(error).__name__}: {error}"]})

    process = context.Process(target=work, daemon=True)
    process.start()
    send.close()
    try:
        if not receive.poll(seconds * 3 + 60):
            return {"word": "crash", "reasons": ["no answer in time"]}
        return dict(receive.recv())
    except EOFError:
        return {"word": "crash", "reasons": ["the process died"]}
    finally:
        process.kill()
        process.join()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="*", metavar="GLOB", help="names of the models")
    parser.add_argument("--seconds", type=float, default=20.0, help="of one inference")
    parser.add_argument("--verbose", action="store_true", help="print exact models too")
    parser.add_argument("--json", type=Path, help="write all results to this file")
    options = parser.parse_args()
    tables = sorted(options.folder.glob("*.json"))
    rows = [r for t in tables for r in json.loads(t.read_text("utf-8"))]
    results = []
    for row in rows:
        if not fnmatch.fnmatch(row["name"], options.only):
            continue
        result = in_process(row, options.folder.resolve(), options.seconds)
        results.append({"module": row["module"], "name": row["name"], **result})
        if result["word"] != "exact" or options.verbose:
            why = result.get("wrong") or result["reasons"] or result.get("text", "")
            print(result["word"], row["module"], row["name"], str(why)[:200], flush=True)
    words = Counter(r["word"] for r in results)
    print(", ".join(f"{count} {word}" for word, count in words.most_common()) or "no models")
    sets = [r["text"] for r in results if r["word"] == "exact"]
    short = sum(len(text) <= LINE for text in sets)
    extremes = sum("min(" in text or "max(" in text for text in sets)
    print(
        f"{short} of {len(sets)} exact sets in at most {LINE} characters, {extremes} with min/max"
    )
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    return 1 if words["wrong"] or words["crash"] else 0


if __name__ == "__main__":
    sys.exit(main())
