"""Contracts in plain words: what is called, what is promised, and what is not."""

from __future__ import annotations

from archlint.contracts.contract import Contract, Input, Output, TensorInput
from archlint.contracts.region import box_of, input_symbols
from archlint.contracts.rulefile.structure_reader import value_as_yaml
from archlint.symbolic.intervals import Box

LABEL = 13  # columns


def explained(contract: Contract) -> str:
    """The contract as lines of label and text, its id above them."""
    told = {"called with": _input(contract.input) if contract.input else ""}
    told |= _promise(contract)
    if contract.structure:
        lines = [f"{k}: {value_as_yaml(v)}" for k, v in contract.structure.items()]
        told["structure"] = "\n".join(lines)
    if contract.output is not None:
        told["gives"] = _output(contract.output)
    told["why"] = contract.why
    told["mode"] = "" if contract.mode == "eval" else contract.mode
    if contract.severity != "error":
        what = {"warning": "a breach is reported and fails nothing", "off": "it is not checked"}
        reason = f": {contract.severity_reason}" if contract.severity_reason else ""
        told["severity"] = f"{contract.severity}, {what[contract.severity]}{reason}"
    told["skipped"] = contract.skip or ""
    indent = "\n" + " " * (LABEL + 2)
    lines = [f"  {k:<{LABEL}}{v.replace(chr(10), indent)}" for k, v in told.items() if v]
    return "\n".join([contract.id, *lines])


def _promise(contract: Contract) -> dict[str, str]:
    clause = contract.clause
    if clause.kind == "none":
        return {}
    names = input_symbols(contract.input)
    condition = clause.text.partition(" ")[2] if clause.region is not True else ""
    with_ = f" with {condition}" if condition else ""
    said = {
        "any": f"every size{with_} is accepted",
        "only": f"every size{with_} is accepted, and no other",
        "rejects": f"no size{with_} is accepted",
    }
    rest = {
        "any": "nothing is promised of them",
        "only": "the model raises an error",
        "rejects": "nothing is promised of them",
    }
    told = {"promises": said[clause.kind]}
    if names:
        told["where"] = _ranges(box_of(names, clause.region))
    if condition:
        told["other sizes"] = rest[clause.kind]
    return told


def _ranges(box: Box) -> str:
    """``N from 1, T from 1 to 512``: the least and the largest of each size."""
    parts = []
    for name, (low, high) in box.ranges.items():
        if low is not None and low == high:
            parts.append(f"{name} is {low}")
        else:
            parts.append(f"{name} from {low}" + ("" if high is None else f" to {high}"))
    open_ = [name for name, (_, high) in box.ranges.items() if high is None]
    largest = f"; there is no largest {', '.join(open_)}" if open_ else ""
    return ", ".join(parts) + largest


def _input(given: Input) -> str:
    if isinstance(given, TensorInput):
        below = "" if given.below is None else f", its values from 0 and below {given.below}"
        article = "an" if given.dtype[0] == "i" else "a"
        return f"{article} {given.dtype} tensor of {_times(given.text)}{below}"
    if isinstance(given, dict):
        return "\n".join(f"{name}: {_input(part)}" for name, part in given.items())
    return "a list: " + "; ".join(_input(part) for part in given)


def _output(output: Output) -> str:
    if isinstance(output, dict):
        return "\n".join(f"{name}: {_output(part)}" for name, part in output.items())
    if isinstance(output, list):
        return "a list: " + "; ".join(_output(part) for part in output)
    return f"a tensor of {_times(output.text)}"


def _times(shape: str) -> str:
    words = {"_": "any size", "...": "any sizes"}
    return " × ".join(words.get(entry, entry) for entry in shape.split())
