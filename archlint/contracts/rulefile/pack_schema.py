"""The schema of packs: files of contracts with parameters and without models.

The contracts themselves are validated with the schema of rule files once parameters have values.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from archlint.contracts.rulefile.tensor_schema import Entry, Text


class ParameterEntry(Entry):
    """A parameter: its value replaces ``{name}`` in the contracts."""

    about: Text = Field(description="What it means, for users of the pack.")
    type: Literal["number", "text", "shape"] = Field(
        default=None,  # type: ignore[arg-type]
        description="number: a whole number from 0; text: part of a phrase; shape: text, or a list "
        "or mapping of shapes. By default the type of the default, or number.",
    )
    default: Any = Field(
        default=None,
        description="The value if a rule file sets none; without it, a value is required.",
    )


class ExampleEntry(Entry):
    """A small model that satisfies the pack's contracts, or one that breaks one of them."""

    keeps: Text = Field(
        default="",
        description="The target of a model that satisfies every contract: models.py:Good.",
    )
    breaks: Text = Field(default="", description="The target of a model that breaks a contract.")
    args: list[Any] = Field(default=[], description="Positional arguments of the callable.")
    kwargs: dict[str, Any] = Field(
        default={},
        description="Keyword arguments of the callable. {of: TARGET, ...} is the object that a "
        "class or function makes of the other keys.",
    )
    with_: dict[str, Any] = Field(default={}, alias="with", description="The pack's parameters.")
    contract: Text = Field(
        default="",
        description="The contract that is broken; not needed if the pack has one contract.",
    )
    at: dict[str, Annotated[int, Field(ge=0)]] = Field(
        default=None,  # type: ignore[arg-type]
        description="The smallest failing sizes.",
    )
    layer: str = Field(
        default="", description="The module path of the failing layer; omitted if there is none."
    )


class PackEntry(Entry):
    """A pack."""

    archlint: int = Field(
        ge=1, le=1, description="The version of the format.", json_schema_extra={"const": 1}
    )
    pack: Text = Field(description="Its name: letters, digits, '.', '_' and '-'.")
    about: Text = Field(description="One paragraph: which models it is for, and why.")
    extends: Text = Field(
        default="", description="A pack whose parameters and contracts this pack inherits."
    )
    parameters: dict[str, ParameterEntry] = Field(
        default={}, description="Values that replace {name} in the contracts."
    )
    contracts: list[dict[str, Any]] = Field(
        default=[], min_length=1, description="Contracts as in a rule file, without models."
    )
    examples: list[ExampleEntry] = Field(
        default=[], description="Models that satisfy the contracts, and models that break them."
    )
