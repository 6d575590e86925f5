"""The schema of inputs and outputs, and the base class of all schema entries."""

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
    """Whether a mapping describes one tensor. Otherwise its keys are argument names."""
    if not isinstance(value, dict) or isinstance(value.get("shape"), dict):
        return False
    return not {"shape", "dtype", "below"}.isdisjoint(value)


def is_list_of_sizes(value: object) -> bool:
    """Whether a value is one shape as a list, ``[N, 3, H, W]``, and not a list of tensors.

    A list of tensors of one dimension has mappings as items: ``[{shape: N}, {shape: M}]``.
    """
    return isinstance(value, list) and bool(value) and all(map(_is_size, value))


def _is_size(value: object) -> bool:
    if isinstance(value, str):
        return len(value.split()) == 1
    return isinstance(value, int) and not isinstance(value, bool)


def kind(value: object) -> str | None:
    """The tag of the union member that matches a value's type; ``None`` if none does."""
    if isinstance(value, bool):
        return None
    tags = ((str, "<text>"), (int, "<number>"), (list, "<list>"), (dict, "<mapping>"))
    return next((tag for type_, tag in tags if isinstance(value, type_)), None)


def _input_kind(value: object) -> str | None:
    return "<tensor>" if is_tensor_entry(value) else kind(value)


def discriminator(kind: Any, expected: str) -> Discriminator:
    """Selects a union member by ``kind(value)``. ``expected`` is the message if it is ``None``."""
    return Discriminator(kind, custom_error_type="kind", custom_error_message=expected)


class Entry(BaseModel):
    """Base of all entries: rejects unknown keys and does not convert text to numbers."""

    model_config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())


Text = Annotated[str, Field(min_length=1)]
TaggedText = Annotated[Text, Tag("<text>")]
TaggedNumber = Annotated[int, Tag("<number>")]
Size = Annotated[
    Union[TaggedText, TaggedNumber],
    discriminator(kind, "a size such as 'V' or 1000"),
]
Shape = Annotated[
    Union[
        TaggedText,
        TaggedNumber,
        Annotated[Annotated[list[Size], Field(min_length=1)], Tag("<list>")],
    ],
    discriminator(kind, _SHAPE),
]


class TensorEntry(Entry):
    """A tensor argument with a dtype or a bound on its values."""

    shape: Shape = Field(description="The sizes: N 3 H W, or [N, 3, H, W].")
    dtype: Dtype = Field(default="float32", description="The torch dtype.")
    below: Size = Field(
        default=None,  # type: ignore[assignment]
        description="For integer dtypes: values are at least 0 and less than this size.",
    )


if TYPE_CHECKING:  # mypy resolves no recursive alias of annotated types
    Input = Any
    Output = Any
else:
    Input = TypeAliasType(
        "Input",
        Annotated[
            Union[
                TaggedText,
                TaggedNumber,
                Annotated[TensorEntry, Tag("<tensor>")],
                Annotated[Annotated[list["Input"], Field(min_length=1)], Tag("<list>")],
                Annotated[Annotated[dict[str, "Input"], Field(min_length=1)], Tag("<mapping>")],
            ],
            discriminator(_input_kind, f"{_SHAPE}, a list or a mapping"),
        ],
    )

    Output = TypeAliasType(
        "Output",
        Annotated[
            Union[
                TaggedText,
                TaggedNumber,
                Annotated[Annotated[list["Output"], Field(min_length=1)], Tag("<list>")],
                Annotated[Annotated[dict[str, "Output"], Field(min_length=1)], Tag("<mapping>")],
            ],
            discriminator(kind, f"{_SHAPE}, a list or a mapping"),
        ],
    )
