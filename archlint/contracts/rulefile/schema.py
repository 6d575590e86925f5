"""The schema of rule files as pydantic models: keys and types.

Shapes, conditions and targets inside texts are parsed later, by :mod:`.load`. The descriptions
become the JSON Schema, which editors show and complete from.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Union

from pydantic import BeforeValidator, ConfigDict, Field, Tag, model_validator

from archlint.contracts.rulefile.tensor_schema import (
    Entry,
    Input,
    Output,
    TaggedNumber,
    TaggedText,
    Text,
    discriminator,
    kind,
)

TaggedTexts = Annotated[Annotated[list[Text], Field(min_length=1)], Tag("<list>")]
Bytes = Annotated[
    Union[TaggedText, TaggedNumber],
    discriminator(kind, "a number of bytes, or text such as 512MB or 2GB"),
]


class ModelEntry(Entry):
    """How to make a model: a callable and what to call it with."""

    target: Text = Field(
        description="What to import: pkg.mod:factory, path/file.py:factory (relative to the rule "
        "file) or torchvision:NAME."
    )
    args: list[Any] = Field(default=[], description="Positional arguments of the callable.")
    kwargs: dict[str, Any] = Field(
        default={},
        description="Keyword arguments of the callable. {of: TARGET, ...} is the object that a "
        "class or function makes of the other keys.",
    )


class BudgetEntry(Entry):
    """Limits for checking the contract."""

    paths: int = Field(default=64, ge=1, description="Runs on symbolic sizes.")
    seconds: float = Field(default=60.0, gt=0, allow_inf_nan=False, description="Seconds.")
    memory: Bytes = Field(
        default="4GiB", description="Memory that a sample may take: bytes, or 512MB, 2GB, 4GiB."
    )


class XfailEntry(Entry):
    """A contract that is expected to fail."""

    reason: Text = Field(description="Why it fails, and until when.")
    strict: bool = Field(
        default=True, description="Whether it counts as a failure if the contract holds."
    )


class ParametersEntry(Entry):
    """A limit on the number of the model's parameters."""

    at_most: int = Field(
        ge=0, description="The number of elements of all parameters; shared ones count once."
    )
    trainable: bool = Field(default=False, description="Count only parameters with requires_grad.")


Stride = Annotated[int, Field(ge=1)]


class StructureEntry(Entry):
    """Checks on the model's layers and on their sizes. Names with a dot belong to plugins."""

    model_config = ConfigDict(json_schema_extra={"patternProperties": {r"\.": {}}})

    pooled_before_linear: bool = Field(
        default=False,
        description="No weight has to have a size that depends on the spatial sizes of the input, "
        "as that of a Linear layer behind a flatten does.",
    )
    batch_preserved: bool = Field(
        default=False, description="The first size of every output is that of the input."
    )
    batch_never_merged: bool = Field(
        default=False, description="No tensor in the model merges the batch size with another size."
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
    receptive_field: Text = Field(
        default="",
        description="How many positions of the input each position of an output depends on, along "
        "each spatial dimension: '>= 224', '<= 512' or '== 31'. An output that depends on the "
        "whole input satisfies every '>='; other limits are compared with the input's size.",
    )
    forbids: Annotated[
        Union[TaggedText, TaggedTexts],
        discriminator(kind, "the name of a class or a list of them"),
    ] = Field(
        default=None,  # type: ignore[assignment]
        description="Classes of layers that must not occur, subclasses included: BatchNorm2d, "
        "torch.nn.LSTM.",
    )
    parameters: ParametersEntry = Field(
        default=None,  # type: ignore[assignment]
        description="A budget of parameters.",
    )

    @model_validator(mode="before")
    @classmethod
    def _without_plugins(cls, value: Any) -> Any:
        """Plugins validate the arguments of their checks themselves."""
        if not isinstance(value, dict):
            return value
        return {k: v for k, v in value.items() if "." not in str(k)}


class CostsEntry(Entry):
    """Limits on what the model costs, at one size, with a condition, or at every size."""

    flops: Text = Field(
        default="", description="Floating-point operations, as torch.utils.flop_counter counts."
    )
    parameters: Text = Field(default="", description="Parameters; shared ones count once.")
    activations: Text = Field(
        default="",
        description="Bytes of activations that must be alive at once without gradients, at the "
        "least: a number, or 512 MB, 2 GiB.",
    )


Severity = Annotated[
    Literal["error", "warning", "off"],
    BeforeValidator(
        lambda value: "off" if value is False else value
    ),  # YAML 1.1 reads off as false
]
SEVERITIES = ("error", "warning", "off")

ChosenModels = Annotated[
    Union[TaggedText, TaggedTexts],
    discriminator(kind, "a model or a list of models"),
]


class RangesEntry(Entry):
    """The sizes that a file of a deployment tool declares: all of them are accepted."""

    from_: Text = Field(alias="from", description="The file, relative to the rule file.")
    form: Text = Field(
        default="",
        description="The form of the ranges, if the file has several: trtexec, polygraphy, triton, "
        "onnx, openvino, coreml, torch-export, json …",
    )
    tensor: Text = Field(
        default="", description="The tensor that the input is, if the ranges are about several."
    )


class ArtifactEntry(Entry):
    """An exported model that must do what the model does."""

    path: Text = Field(description="The file, relative to the rule file.")
    runtime: Literal["onnxruntime", "openvino", "torch-export", "executorch", "aoti"] = Field(
        default=None,  # type: ignore[arg-type]
        description="What runs it; by default that of the suffix .onnx, .xml, .pt2 or .pte.",
    )
    outside: Literal["refuses", "any"] = Field(
        default="refuses", description="What it must do where the model refuses."
    )
    tolerance: float = Field(
        default=0.001, ge=0, allow_inf_nan=False,
        description="The largest difference of values, relative to the largest value.",
    )  # fmt: skip
    shapes_only: bool = Field(default=False, description="Do not compare values.")


class ContractEntry(Entry):
    """A contract for one or more models: accepts or rejects, structure, costs, or several."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": [key]} for key in ("input", "structure", "costs")]
        }
    )

    id: Text = Field(description="Its name in reports: letters, digits, '.', '_' and '-'.")
    why: str = Field(default="", description="Why the contract matters; shown when it is broken.")
    models: ChosenModels = Field(
        description="Names from models, globs over them, or targets (pkg.mod:factory)."
    )
    input: Input = Field(
        default=None,
        description="What the model is called with: one shape, or a mapping of argument names to "
        "shapes; {shape, dtype, below} for a tensor that is not float32. Not needed if structure "
        "has only forbids and parameters, and costs only parameters.",
    )
    accepts: Annotated[
        Union[TaggedText, Annotated[RangesEntry, Tag("<mapping>")]],
        discriminator(kind, "text such as 'any H, W >= 32', or a mapping {from, form, tensor}"),
    ] = Field(
        default="",
        description="'any P': all sizes with P are accepted; 'only P': those and no others; "
        "{from, form, tensor}: those that a deployment tool's file declares.",
    )
    rejects: Text = Field(default="", description="'any P': no size with P is accepted.")
    output: Output = Field(
        default=None,
        description="The output shape, or a list or mapping of shapes if the output is nested; "
        "_ is any one size, ... any number of them.",
    )
    structure: StructureEntry = Field(
        default=None,  # type: ignore[assignment]
        description="Checks on the model's layers and on their sizes.",
    )
    artifact: ArtifactEntry = Field(
        default=None,  # type: ignore[assignment]
        description="An exported model, which is run beside the model at chosen sizes.",
    )
    costs: CostsEntry = Field(
        default=None,  # type: ignore[assignment]
        description="Limits on what the model costs: '<= 20e9 at N=1 H=224 W=224', or "
        "'<= 2 GiB for N <= 16 and H, W <= 1024'.",
    )
    mode: Literal["eval", "train"] = Field(default="eval", description="The model's mode.")
    samples: int = Field(  # type: ignore[assignment]
        default=None,
        ge=0,
        description="The number of sizes at which the real model runs; 0 for none. By default 8, "
        "and fewer where every size is proved and a run takes seconds.",
    )
    budget: BudgetEntry = Field(
        default=BudgetEntry(), description="Limits on the cost of checking the contract."
    )
    skip: Text = Field(default="", description="The reason why it is not checked.")
    xfail: Annotated[
        Union[TaggedText, Annotated[XfailEntry, Tag("<mapping>")]],
        discriminator(kind, "a reason, or a mapping {reason, strict}"),
    ] = Field(  # type: ignore[assignment]
        default=None, description="The reason why it is expected to fail."
    )
    severity: Severity = Field(
        default="error",
        description="warning: violations are reported and do not fail the run; off: not checked.",
    )


class OverrideEntry(Entry):
    """A change to contracts for some models, with its reason. The last matching entry wins."""

    contract: Text = Field(default="*", description="The contracts' id, or a glob over ids.")
    model: Text = Field(default="*", description="The models' name, or a glob over names.")
    severity: Severity = Field(
        default=None,  # type: ignore[arg-type]
        description="error, warning (reported, does not fail the run) or off (not checked).",
    )
    with_: dict[str, Any] = Field(
        default={}, alias="with", description="Other parameter values for contracts of packs."
    )
    reason: Text = Field(description="Why, and until when.")


class UseEntry(Entry):
    """Adds a pack's contracts for models of this file."""

    pack: Text = Field(description="owner/name of an installed pack, or the path of a pack file.")
    models: ChosenModels = Field(
        description="Names from models, globs over them, or targets (pkg.mod:factory)."
    )
    with_: dict[str, Any] = Field(
        default={}, alias="with", description="Values of the pack's parameters."
    )
    as_: Text = Field(
        default="", alias="as", description="A prefix for the ids of the contracts: prefix.id."
    )
    overrides: list[OverrideEntry] = Field(
        default=[], description="Changes to these contracts; the file's overrides apply after them."
    )


class WaiverEntry(Entry):
    """A known violation of a contract by some models that does not fail the run until a date."""

    contract: Text = Field(description="The contract's id, or a glob over ids.")
    model: Text = Field(default="*", description="The model's name, or a glob over names.")
    reason: Text = Field(description="Why the contract is broken; shown in reports.")
    until: Text = Field(
        description="The last day on which it may be broken, such as 2026-12-31.",
        json_schema_extra={"format": "date"},
    )


class RuleFileEntry(Entry):
    """A rule file. It has contracts, or uses packs, or both."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["contracts"]}, {"required": ["use"]}]}
    )

    # Not Literal[1], which accepts True.
    archlint: int = Field(
        ge=1,
        le=1,
        description="The version of the rule file format.",
        json_schema_extra={"const": 1},
    )
    models: dict[
        str,
        Annotated[
            Union[TaggedText, Annotated[ModelEntry, Tag("<mapping>")]],
            discriminator(kind, "a target such as pkg.mod:factory, or a mapping with one"),
        ],
    ] = Field(default={}, description="The models, under the names that contracts use.")
    contracts: list[ContractEntry] = Field(default=[], description="The contracts.")
    use: list[UseEntry] = Field(
        default=[], min_length=1, description="Packs of contracts to check models against."
    )
    overrides: list[OverrideEntry] = Field(
        default=[], description="Changes to contracts for some models, each with its reason."
    )
    waivers: list[WaiverEntry] = Field(
        default=[], description="Known violations that do not fail the run until a date."
    )
