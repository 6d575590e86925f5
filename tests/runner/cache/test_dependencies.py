"""What a cached verdict depends on: files that are as they were."""

import json

from archlint.runner.cache.dependencies import CurrentFiles, Dependencies, digest_of


def test_what_stands_and_what_does_not(tmp_path):
    file = tmp_path / "a.py"
    file.write_text("1")
    rests = Dependencies()
    rests.add_file(str(file), digest_of(str(file)))
    rests.searched[str(tmp_path)] = {"a", "b"}
    data = json.loads(json.dumps(rests.to_json()))
    assert CurrentFiles().unchanged(data)
    (tmp_path / "c.py").write_text("")
    assert CurrentFiles().unchanged(data)
    (tmp_path / "b").mkdir()
    assert not CurrentFiles().unchanged(data)
    (tmp_path / "b").rmdir()
    assert CurrentFiles().unchanged(data)
    file.write_text("2")
    assert not CurrentFiles().unchanged(data)
