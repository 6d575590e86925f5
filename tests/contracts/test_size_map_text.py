"""The map in a terminal."""

from __future__ import annotations

import re

from archlint.contracts.accepted_set import AcceptedSet
from archlint.contracts.contract import TensorInput
from archlint.contracts.size_map import size_map
from archlint.contracts.size_map_text import terminal_map
from archlint.symbolic import symbol


def drawn(text, names="HW"):
    sizes = TensorInput(tuple(map(symbol, names)))
    return size_map(AcceptedSet("m", "eval", sizes, text, exact=True))


def cells(text):
    """For each row of sizes the set of accepted ones, read back from the half blocks."""
    rows = []
    for line in text.split("\n")[2:34]:
        body = line[6:].ljust(64)
        rows.append({x for x, c in enumerate(body, 1) if c in "▀█"})
        rows.append({x for x, c in enumerate(body, 1) if c in "▄█"})
    return rows


def test_each_half_block_is_one_size():
    text = terminal_map(drawn("H % 16 == 0 and W >= 7"))
    wanted = [{16, 32, 48, 64} if w >= 7 else set() for w in range(1, 65)]
    assert cells(text) == wanted


def test_a_single_accepted_size_is_seen_on_a_coarse_map():
    text = terminal_map(drawn("H == 224 and W == 224"))
    assert len(re.findall("[▀▄█]", text.partition("accepted")[0].rpartition("\n")[0])) == 1
    assert "one character: 7 x 14 sizes" in text


def test_with_colour_each_line_is_reset():
    text = terminal_map(drawn("H >= 9"), color=True, width=60)
    lines = text.split("\n")
    assert all(line.endswith("\x1b[0m") for line in lines if "▀" in line)
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    assert max(map(len, plain.split("\n"))) <= 60


def test_a_map_of_one_size_is_one_line():
    text = terminal_map(drawn("T >= 17", "T"))
    blocks = [line for line in text.split("\n") if "▀" in line]
    assert blocks == [" " * 6 + " " * 16 + "▀" * 48]
