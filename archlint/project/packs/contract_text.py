"""Contracts in plain words: the input, the accepted sizes, the output."""

from __future__ import annotations

from archlint.contracts.contract import Contract, Input, Output, TensorInput
from archlint.contracts.region import box_of, input_symbols
from archlint.contracts.rulefile.structure_reader import value_as_yaml
from archlint.contracts.text_layout import labelled
from archlint.symbolic.intervals import Box

LABEL = 13  # columns


def explained(contract: Contract) -> str:
    """The contract as its id and labelled lines."""
    texts = {"input": _input(contract.input) if contract.input else ""}
    texts |= _sizes(contract)
    if contract.structure:
        lines = [f"{k}: {value_as_yaml(v)}" for k, v in contract.structure.items()]
        texts["structure"] = "\n".join(lines)
    if contract.costs:
        texts["costs"] = "\n".join(f"{b.kind}: {b.text}" for b in contract.costs)
    if contract.output is not None:
        texts["output"] = _output(contract.output)
    texts["why"] = contract.why
    texts["mode"] = "" if contract.mode == "eval" else contract.mode
    if contract.severity != "error":
        effect = {"warning": "a violation is reported but does not fail", "off": "not checked"}
        reason = f": {contract.severity_reason}" if contract.severity_reason else ""
        texts["severity"] = f"{contract.severity}, {effect[contract.severity]}{reason}"
    texts["skipped"] = contract.skip or ""
    return "\n".join([contract.id, *labelled(texts, LABEL)])


def _sizes(contract: Contract) -> dict[str, str]:
    clause = contract.clause
    if clause.kind == "none":
        return {}
    names = input_symbols(contract.input)
    condition = clause.text.partition(" ")[2] if clause.region is not True else ""
    with_ = f" with {condition}" if condition else ""
    accepts = {
        "any": f"every size{with_} is accepted",
        "only": f"every size{with_} is accepted, and no other size",
        "rejects": f"no size{with_} is accepted",
    }
    others = {
        "any": "may be accepted or refused",
        "only": "the model raises an error",
        "rejects": "may be accepted or refused",
    }
    texts = {"accepts": accepts[clause.kind]}
    if names:
        texts["where"] = _ranges(box_of(names, clause.region))
    if condition:
        texts["other sizes"] = others[clause.kind]
    return texts


def _ranges(box: Box) -> str:
    """The range of each size: ``N from 1, T from 1 to 512``."""
    parts = []
    for name, (low, high) in box.ranges.items():
        if low is not None and low == high:
            parts.append(f"{name} is {low}")
        else:
            parts.append(f"{name} from {low}" + ("" if high is None else f" to {high}"))
    open_ = [name for name, (_, high) in box.ranges.items() if high is None]
    largest = f"; no upper limit for {', '.join(open_)}" if open_ else ""
    return ", ".join(parts) + largest


def _input(input: Input) -> str:
    if isinstance(input, TensorInput):
        below = "" if input.below is None else f" with values from 0 to {input.below - 1}"
        article = "an" if input.dtype[0] == "i" else "a"
        return f"{article} {input.dtype} tensor of {_times(input.text)}{below}"
    if isinstance(input, dict):
        return "\n".join(f"{name}: {_input(part)}" for name, part in input.items())
    return "a list: " + "; ".join(_input(part) for part in input)


def _output(output: Output) -> str:
    if isinstance(output, dict):
        return "\n".join(f"{name}: {_output(part)}" for name, part in output.items())
    if isinstance(output, list):
        return "a list: " + "; ".join(_output(part) for part in output)
    return f"a tensor of {_times(output.text)}"


def _times(shape: str) -> str:
    words = {"_": "any size", "...": "any sizes"}
    return " × ".join(words.get(entry, entry) for entry in shape.split())
