"""The structure of a rule file as a pydantic model: what may stand where, and of which type.

Whether the words inside (shapes, promises, targets) make sense is for :mod:`.load`.
The descriptions are read by people: they become the JSON Schema that editors complete from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag
from typing_extensions import TypeAliasType

Dtype = Literal[
    "float32", "float16", "bfloat16", "float64", "int64", "int32", "int16", "int8", "uint8",
    "bool", "complex64", "complex128",
]  # fmt: skip
DTYPES: tuple[str, ...] = Dtype.__args__  # type: ignore[attr-defined]

_SHAPE = "a shape such as 'N 3 H W'"


def is_tensor_entry(value: object) -> bool:
    """Whether a mapping describes one tensor; otherwise its keys are names of arguments."""
    if not isinstance(value, dict) or isinstance(value.get("shape"), dict):
        return False
    return not {"shape", "dtype", "below"}.isdisjoint(value)


def _kind(value: object) -> str | None:
    if isinstance(value, bool):
        return None
    for kind, name in ((str, "<text>"), (int, "<number>"), (list, "<list>"), (dict, "<mapping>")):
        if isinstance(value, kind):
            return name
    return None


def _input_kind(value: object) -> str | None:
    return "<tensor>" if is_tensor_entry(value) else _kind(value)


def _discriminator(kind: Any, expected: str) -> Discriminator:
    return Discriminator(kind, custom_error_type="kind", custom_error_message=expected)


class Entry(BaseModel):
    """No unknown keys, and no text where a number belongs."""

    model_config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())


Text = Annotated[str, Field(min_length=1)]
Shape = Annotated[
    Union[Annotated[Text, Tag("<text>")], Annotated[int, Tag("<number>")]],
    _discriminator(_kind, _SHAPE),
]
Size = Annotated[
    Union[Annotated[Text, Tag("<text>")], Annotated[int, Tag("<number>")]],
    _discriminator(_kind, "a size such as 'V' or 1000"),
]
Bytes = Annotated[
    Union[Annotated[Text, Tag("<text>")], Annotated[int, Tag("<number>")]],
    _discriminator(_kind, "a number of bytes, or text such as 512MB or 2GB"),
]


class ModelEntry(Entry):
    """How to make a model: a callable and what to call it with."""

    target: Text = Field(
        description="What to import: pkg.mod:factory, path/file.py:factory (relative to the rule "
        "file) or torchvision:NAME."
    )
    args: list[Any] = Field(default=[], description="Positional arguments of the callable.")
    kwargs: dict[str, Any] = Field(default={}, description="Keyword arguments of the callable.")


class TensorEntry(Entry):
    """A tensor argument with more to say than its shape."""

    shape: Shape = Field(description="Its sizes, separated by spaces: N 3 H W.")
    dtype: Dtype = Field(default="float32", description="Its torch dtype.")
    below: Size = Field(
        default=None,  # type: ignore[assignment]
        description="For integers: their values are from 0 up to, not including, this size.",
    )


if TYPE_CHECKING:  # mypy resolves no recursive alias of annotated types
    Input = Any
    Output = Any
else:
    Input = TypeAliasType(
        "Input",
        Annotated[
            Union[
                Annotated[Text, Tag("<text>")],
                Annotated[int, Tag("<number>")],
                Annotated[TensorEntry, Tag("<tensor>")],
                Annotated[Annotated[list["Input"], Field(min_length=1)], Tag("<list>")],
                Annotated[Annotated[dict[str, "Input"], Field(min_length=1)], Tag("<mapping>")],
            ],
            _discriminator(_input_kind, f"{_SHAPE}, a list or a mapping"),
        ],
    )

    Output = TypeAliasType(
        "Output",
        Annotated[
            Union[
                Annotated[Text, Tag("<text>")],
                Annotated[int, Tag("<number>")],
                Annotated[Annotated[list["Output"], Field(min_length=1)], Tag("<list>")],
                Annotated[Annotated[dict[str, "Output"], Field(min_length=1)], Tag("<mapping>")],
            ],
            _discriminator(_kind, f"{_SHAPE}, a list or a mapping"),
        ],
    )


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


class ContractEntry(Entry):
    """One promise about one or more models. Exactly one of accepts and rejects."""

    id: Text = Field(description="Its name in reports: letters, digits, '.', '_' and '-'.")
    why: str = Field(default="", description="Why the promise matters, for whoever breaks it.")
    models: Annotated[
        Union[
            Annotated[Text, Tag("<text>")],
            Annotated[Annotated[list[Text], Field(min_length=1)], Tag("<list>")],
        ],
        _discriminator(_kind, "a model or a list of models"),
    ] = Field(description="Names from models, globs over them, or targets (pkg.mod:factory).")
    input: Input = Field(
        description="What the model is called with: one shape, or a mapping of argument names to "
        "shapes; {shape, dtype, below} for a tensor that is not float32."
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
        _discriminator(_kind, "a reason, or a mapping {reason, strict}"),
    ] = Field(  # type: ignore[assignment]
        default=None, description="The reason why it is known not to hold."
    )


class RuleFileEntry(Entry):
    """A rule file."""

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
            _discriminator(_kind, "a target such as pkg.mod:factory, or a mapping with one"),
        ],
    ] = Field(default={}, description="The models, under the names that contracts use.")
    contracts: list[ContractEntry] = Field(min_length=1, description="The promises.")
