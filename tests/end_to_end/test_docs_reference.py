"""The reference pages are generated from the source, and their phrases mean what they state.

Set ``ARCHLINT_RECORD=1`` to regenerate them.
"""

import os
import re
from typing import Literal, get_args, get_origin

import pytest

from archlint.contracts.rulefile import (
    pack_schema as packschema,
)
from archlint.contracts.rulefile import (
    schema,
)
from archlint.contracts.rulefile import (
    tensor_schema as tensorschema,
)
from archlint.contracts.rulefile.grammar import GRAMMAR
from archlint.contracts.rulefile.phrase_parser import parse_clause, parse_size
from archlint.errors import PhraseError
from archlint.symbolic import evaluate
from archlint.symbolic.formula import holds
from tests import REPO

DOCS = REPO / "docs"
RECORD = bool(os.environ.get("ARCHLINT_RECORD"))


def test_the_page_of_phrases():
    page = DOCS / "phrases.md"
    text = page.read_text()
    made = re.sub(r"```text\n.*?^```", lambda _: f"```text{GRAMMAR}```", text, flags=re.M | re.S)
    if RECORD:
        page.write_text(made)
    else:
        assert text == made


# Of each phrase of the page, sizes H and W that it accepts and others that it refuses.
MEANT = {
    "any size": ((1, 1), None),
    "any H >= 32": ((32, 1), (31, 99)),
    "any 32 <= H < 64": ((63, 1), (64, 1)),
    "any H, W >= 32": ((32, 32), (32, 31)),
    "any H == W": ((5, 5), (5, 6)),
    "any H != W": ((5, 6), (5, 5)),
    "any H in 32..1024": ((1024, 1), (1025, 1)),
    "any H in 32..1024 step 32": ((64, 1), (65, 1)),
    "any H, W in {224, 256}": ((224, 256), (224, 225)),
    "any H not in {224, 256}": ((225, 1), (256, 1)),
    "any H % 16 == 0 and W % 16 == 0": ((16, 32), (16, 33)),
    "any H % 16, W % 16 == 0": ((16, 32), (32, 33)),
    "any H >= 32 or W >= 32": ((1, 32), (31, 31)),
    "any not (H < 32 and W < 32)": ((1, 32), (31, 31)),
    "any H*W <= 1024*1024": ((2048, 512), (2048, 513)),
    "any ceil(H/16) == W//16 + 1": ((17, 31), (16, 31)),
    "any max(H, W) <= 2*min(H, W)": ((8, 4), (4, 9)),
}
COUNTED = {  # at H = 50, W = 40, T = 7
    "3": 3, "H": 50, "H-2": 48, "2*T": 14, "H//4": 12, "ceil(H/32)": 2, "H%16": 2, "min(H,W)": 40,
    "isqrt(H*W)": 44, "bit_length(T)": 3, "floor_pow2(T)": 4,
    "floor_log(T)": 1, "floor_log10(T)": 0,
}  # fmt: skip


def rows(title):
    """The first two columns of the table under a title of the page of phrases."""
    text = (DOCS / "phrases.md").read_text().partition(f"## {title}\n")[2]
    return re.findall(r"^\| `(.*?)` \| (.*?) \|$", text.partition("\n## ")[0], re.MULTILINE)


def test_phrases_mean_what_the_page_says():
    assert [phrase for phrase, _ in rows("Conditions")] == list(MEANT)
    for phrase, (accepted, refused) in MEANT.items():
        region = parse_clause(phrase, "accepts").region
        assert holds(region, dict(zip("HW", accepted, strict=True))), phrase
        assert refused is None or not holds(region, dict(zip("HW", refused, strict=True))), phrase


def test_sizes_are_what_the_page_says():
    assert [size for size, _ in rows("Sizes")] == list(COUNTED)
    for text, value in COUNTED.items():
        size = parse_size(text)
        assert evaluate(size, {"H": 50, "W": 40, "T": 7}) == value, text


def test_what_is_no_phrase_is_told_so():
    mistakes = rows("What is not valid")
    assert len(mistakes) >= 5
    for phrase, told in mistakes:
        with pytest.raises(PhraseError) as e:
            parse_clause(phrase, "accepts")
        assert str(e.value) == told


TABLES = {
    "The file": schema.RuleFileEntry,
    "A model": schema.ModelEntry,
    "A contract": schema.ContractEntry,
    "`accepts`": schema.RangesEntry,
    "`artifact`": schema.ArtifactEntry,
    "`budget`": schema.BudgetEntry,
    "`xfail`": schema.XfailEntry,
    "`structure`": schema.StructureEntry,
    "`structure: parameters`": schema.ParametersEntry,
    "`costs`": schema.CostsEntry,
    "A tensor": tensorschema.TensorEntry,
    "`use`": schema.UseEntry,
    "`overrides`": schema.OverrideEntry,
    "`waivers`": schema.WaiverEntry,
    "A pack": packschema.PackEntry,
    "A parameter of a pack": packschema.ParameterEntry,
    "An example of a pack": packschema.ExampleEntry,
}


def key_tables():
    """Every key of the format, as its schema describes it."""
    parts = ["<!-- made from the schema by tests/end_to_end/test_docs_reference.py -->"]
    for title, entry in TABLES.items():
        parts.append(f"### {title}\n\n| key | what it is | default |\n|---|---|---|")
        for name, field in entry.model_fields.items():
            default = field.default
            if field.is_required():
                default_text = "required"
            elif default in (None, "", [], {}, False) or isinstance(default, tensorschema.Entry):
                default_text = ""
            else:
                default_text = f"`{str(default).lower() if default is True else default}`"
            about = field.description.replace("|", "\\|")
            if get_origin(field.annotation) is Literal and "off" not in get_args(field.annotation):
                about += f" One of {', '.join(get_args(field.annotation))}."
            parts[-1] += f"\n| `{field.alias or name}` | {about} | {default_text} |"
    return "\n\n".join([*parts, "<!-- end -->"])


def test_every_key_is_in_the_reference():
    page = DOCS / "rule-file.md"
    text = page.read_text()
    made = re.sub(r"<!-- made from .*<!-- end -->", lambda _: key_tables(), text, flags=re.S)
    if RECORD:
        page.write_text(made)
    else:
        assert text == made
    rooms = (schema, packschema, tensorschema)
    entries = {value for room in rooms for value in vars(room).values() if is_entry(value)}
    assert entries == set(TABLES.values())


def is_entry(value):
    return (
        isinstance(value, type)
        and issubclass(value, tensorschema.Entry)
        and value is not tensorschema.Entry
    )
