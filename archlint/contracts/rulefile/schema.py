"""The structure of a rule file as a pydantic model: what may stand where, and of which type.

Whether the words inside (shapes, promises, targets) make sense is for :mod:`.load`.
The descriptions are read by people: they become the JSON Schema that editors complete from.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Union

from pydantic import BeforeValidator, ConfigDict, Field, Tag, model_validator

from archlint.contracts.rulefile.tensor_schema import (
    Entry,
    Input,
    Output,
    Text,
    discriminator,
    kind,
)

Bytes = Annotated[
    Union[Annotated[Text, Tag("<text>")], Annotated[int, Tag("<number>")]],
    discriminator(kind, "a number of bytes, or text such as 512MB or 2GB"),
]


class ModelEntry(Entry):
    """How to make a model: a callable and what to call it with."""

    target: Text = Field(
        description="What to import: pkg.mod:factory, path/file.py:factory (relative to the rule "
        "file) or torchvision:NAME."
    )
    args: list[Any] = Field(default=[], description="Positional arguments of the callable.")
    kwargs: dict[str, Any] = Field(default={}, description="Keyword arguments of the callable.")


class BudgetEntry(Entry):
    """What deciding the contract may cost, at most."""

    paths: int = Field(default=64, ge=1, description="Runs on symbolic sizes.")
    seconds: float = Field(default=60.0, gt=0, allow_inf_nan=False, description="Seconds.")
    memory: Bytes = Field(
        default="4GiB", description="Memory that a sample may take: bytes, or 512MB, 2GB, 4GiB."
    )


class XfailEntry(Entry):
    """A contract that is known not to hold."""

    reason: Text = Field(description="Why it does not hold, and until when.")
    strict: bool = Field(default=True, description="Whether it is a failure if it does hold.")


class ParametersEntry(Entry):
    """How many parameters the model may have."""

    at_most: int = Field(ge=0, description="Elements of all parameters, shared ones once.")
    trainable: bool = Field(default=False, description="Count only those that are trained.")


Stride = Annotated[int, Field(ge=1)]


class StructureEntry(Entry):
    """What the model is made of, and what its layers do to sizes. Names with a dot are plugins'."""

    model_config = ConfigDict(json_schema_extra={"patternProperties": {r"\.": {}}})

    pooled_before_linear: bool = Field(
        default=False,
        description="What enters a Linear, or a product with a weight, has a last size that does "
        "not depend on the spatial sizes of the input.",
    )
    batch_preserved: bool = Field(
        default=False, description="The first size of every output is that of the input."
    )
    batch_never_merged: bool = Field(
        default=False, description="No tensor on the way merges the batch with another size."
    )
    total_stride: Annotated[
        Union[
            Annotated[Stride, Tag("<number>")],
            Annotated[Annotated[list[Stride], Field(min_length=1)], Tag("<list>")],
            Annotated[Annotated[dict[str, Stride], Field(min_length=1)], Tag("<mapping>")],
        ],
        discriminator(kind, "a number, a list with one for each output, or a mapping of layers"),
    ] = Field(
        default=None,  # type: ignore[assignment]
        description="The spatial sizes of the output, or of a layer's, are those of the input "
        "divided by this and rounded.",
    )
    forbids: Annotated[
        Union[
            Annotated[Text, Tag("<text>")],
            Annotated[Annotated[list[Text], Field(min_length=1)], Tag("<list>")],
        ],
        discriminator(kind, "the name of a class or a list of them"),
    ] = Field(
        default=None,  # type: ignore[assignment]
        description="Layers that may not occur, subclasses included: BatchNorm2d, torch.nn.LSTM.",
    )
    parameters: ParametersEntry = Field(
        default=None,  # type: ignore[assignment]
        description="A budget of parameters.",
    )

    @model_validator(mode="before")
    @classmethod
    def _without_plugins(cls, value: Any) -> Any:
        """A plugin's checks judge for themselves what they are given."""
        if not isinstance(value, dict):
            return value
        return {k: v for k, v in value.items() if "." not in str(k)}


Severity = Annotated[
    Literal["error", "warning", "off"],
    BeforeValidator(lambda value: "off" if value is False else value),  # YAML 1.1 reads off so
]
SEVERITIES = ("error", "warning", "off")

ChosenModels = Annotated[
    Union[
        Annotated[Text, Tag("<text>")],
        Annotated[Annotated[list[Text], Field(min_length=1)], Tag("<list>")],
    ],
    discriminator(kind, "a model or a list of models"),
]


class ContractEntry(Entry):
    """One promise about one or more models: accepts or rejects, structure, or both."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["input"]}, {"required": ["structure"]}]}
    )

    id: Text = Field(description="Its name in reports: letters, digits, '.', '_' and '-'.")
    why: str = Field(default="", description="Why the promise matters, for whoever breaks it.")
    models: ChosenModels = Field(
        description="Names from models, globs over them, or targets (pkg.mod:factory)."
    )
    input: Input = Field(
        default=None,
        description="What the model is called with: one shape, or a mapping of argument names to "
        "shapes; {shape, dtype, below} for a tensor that is not float32. Only a structure of "
        "forbids and parameters needs none.",
    )
    accepts: Text = Field(
        default="",
        description="'any P': every size with P is accepted; 'only P': accepted if and only if P.",
    )
    rejects: Text = Field(default="", description="'any P': no size with P is accepted.")
    output: Output = Field(
        default=None,
        description="The shape that comes out, as a list or mapping where the output is nested; "
        "_ is any one size, ... any number of them.",
    )
    structure: StructureEntry = Field(
        default=None,  # type: ignore[assignment]
        description="What the model is made of, and what its layers do to sizes.",
    )
    mode: Literal["eval", "train"] = Field(default="eval", description="The model's mode.")
    samples: int = Field(  # type: ignore[assignment]
        default=None, ge=0, description="At how many sizes the real model runs; 0 for none."
    )
    budget: BudgetEntry = Field(
        default=BudgetEntry(), description="The most that deciding it may cost."
    )
    skip: Text = Field(default="", description="The reason not to check it.")
    xfail: Annotated[
        Union[Annotated[Text, Tag("<text>")], Annotated[XfailEntry, Tag("<mapping>")]],
        discriminator(kind, "a reason, or a mapping {reason, strict}"),
    ] = Field(  # type: ignore[assignment]
        default=None, description="The reason why it is known not to hold."
    )
    severity: Severity = Field(
        default="error",
        description="warning: a breach is reported and fails nothing; off: it is not checked.",
    )


class OverrideEntry(Entry):
    """A change to contracts for models, with its reason. For each setting the last match wins."""

    contract: Text = Field(default="*", description="The contracts' id, or a glob over ids.")
    model: Text = Field(default="*", description="The models' name, or a glob over names.")
    severity: Severity = Field(
        default=None,  # type: ignore[arg-type]
        description="error, warning (reported, fails nothing) or off (not checked).",
    )
    with_: dict[str, Any] = Field(
        default={}, alias="with", description="Other parameters for contracts of packs."
    )
    reason: Text = Field(description="Why, and until when.")


class UseEntry(Entry):
    """A pack's contracts for models of this file."""

    pack: Text = Field(description="owner/name of an installed pack, or the path of a pack file.")
    models: ChosenModels = Field(
        description="Names from models, globs over them, or targets (pkg.mod:factory)."
    )
    with_: dict[str, Any] = Field(default={}, alias="with", description="The pack's parameters.")
    as_: Text = Field(
        default="", alias="as", description="A name to put before the contracts' ids: name.id."
    )
    overrides: list[OverrideEntry] = Field(
        default=[], description="Changes to these contracts; those of the file come after them."
    )


class WaiverEntry(Entry):
    """Leave for a contract to be broken by some models for a while."""

    contract: Text = Field(description="The contract's id, or a glob over ids.")
    model: Text = Field(default="*", description="The model's name, or a glob over names.")
    reason: Text = Field(description="Why it is broken, for whoever reads the report.")
    until: Text = Field(
        description="The last day on which it may be broken, such as 2026-12-31.",
        json_schema_extra={"format": "date"},
    )


class RuleFileEntry(Entry):
    """A rule file. It has contracts, or uses packs, or both."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["contracts"]}, {"required": ["use"]}]}
    )

    # Not Literal[1], which is happy with True.
    archlint: int = Field(
        ge=1,
        le=1,
        description="The version of the rule file format.",
        json_schema_extra={"const": 1},
    )
    models: dict[
        str,
        Annotated[
            Union[Annotated[Text, Tag("<text>")], Annotated[ModelEntry, Tag("<mapping>")]],
            discriminator(kind, "a target such as pkg.mod:factory, or a mapping with one"),
        ],
    ] = Field(default={}, description="The models, under the names that contracts use.")
    contracts: list[ContractEntry] = Field(default=[], min_length=1, description="The promises.")
    use: list[UseEntry] = Field(
        default=[], min_length=1, description="Packs of contracts to hold models to."
    )
    overrides: list[OverrideEntry] = Field(
        default=[], description="Changes to contracts for some models, each with its reason."
    )
    waivers: list[WaiverEntry] = Field(
        default=[], description="Breaches that are known and fail nothing until a date."
    )
