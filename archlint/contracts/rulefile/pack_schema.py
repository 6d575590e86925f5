"""The structure of a pack: a rule file of contracts with parameters and no models of its own.

The contracts are checked when their parameters are known, as those of a rule file.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from archlint.contracts.rulefile.tensor_schema import Entry, Text


class ParameterEntry(Entry):
    """A parameter: what ``{name}`` stands for in the contracts."""

    about: Text = Field(description="What it is, for whoever uses the pack.")
    type: Literal["number", "text", "shape"] = Field(
        default=None,  # type: ignore[arg-type]
        description="number: a whole number from 0; text: part of a phrase; shape: text, or a list "
        "or mapping of shapes. Unless said, that of the default, or number.",
    )
    default: Any = Field(default=None, description="Without one it must be given.")


class ExampleEntry(Entry):
    """A small model that keeps the pack's contracts, or one that breaks one of them."""

    keeps: Text = Field(
        default="", description="The target of a model that keeps every contract: models.py:Good."
    )
    breaks: Text = Field(default="", description="The target of a model that breaks a contract.")
    args: list[Any] = Field(default=[], description="Positional arguments of the callable.")
    kwargs: dict[str, Any] = Field(default={}, description="Keyword arguments of the callable.")
    with_: dict[str, Any] = Field(default={}, alias="with", description="The pack's parameters.")
    contract: Text = Field(
        default="", description="The contract that breaks; the pack's only one unless said."
    )
    at: dict[str, Annotated[int, Field(ge=0)]] = Field(
        default=None,  # type: ignore[arg-type]
        description="The smallest sizes at which it breaks.",
    )
    layer: str = Field(
        default="", description="The module path that is to blame; left out if there is none."
    )


class PackEntry(Entry):
    """A pack."""

    archlint: int = Field(
        ge=1, le=1, description="The version of the format.", json_schema_extra={"const": 1}
    )
    pack: Text = Field(description="Its name: letters, digits, '.', '_' and '-'.")
    about: Text = Field(description="One paragraph: for which models, and why.")
    extends: Text = Field(
        default="", description="A pack whose parameters, contracts are this pack's too."
    )
    parameters: dict[str, ParameterEntry] = Field(
        default={}, description="What stands for {name} in the contracts."
    )
    contracts: list[dict[str, Any]] = Field(
        default=[], min_length=1, description="Contracts as in a rule file, without models."
    )
    examples: list[ExampleEntry] = Field(
        default=[], description="Models that keep the contracts, and models that break them."
    )
