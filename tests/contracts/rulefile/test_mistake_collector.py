"""Mistakes are collected at the value, the key or the column of a text."""

from archlint.contracts.rulefile.mistake_collector import MistakeCollector
from archlint.contracts.rulefile.yaml_source import parse
from archlint.errors import PhraseError


def test_where_mistakes_are():
    collector = MistakeCollector(*parse("key: some text\n", "f"))
    collector.add(("key",), "found a", "b")
    collector.add(("key",), "found c", key=True)
    collector.add_phrase(("key",), "some text", PhraseError("found d", "e", 6))
    places = [(m.where.column, m.found, m.expected) for m in collector.mistakes]
    assert places == [(6, "found a", "b"), (1, "found c", ""), (11, "found d", "e")]
    assert collector.invalid_phrases == {("key",)}
