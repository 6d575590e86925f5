"""What all cached verdicts depend on: versions, and archlint's own files."""

import pytest

from archlint.runner.cache import environment_key as world


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A folder of installed packages on the path; gives the signature when called."""
    folder = tmp_path / "site-packages"
    (folder / "torch-2.6.0.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(folder)

    def signature():
        world.signature.cache_clear()
        return world.signature()

    yield folder, signature
    world.signature.cache_clear()


def test_another_version_is_another_world(installed):
    folder, signature = installed
    before = signature()
    assert signature() == before
    (folder / "torch-2.6.0.dist-info").rename(folder / "torch-2.7.0.dist-info")
    after = signature()
    assert after != before
    (folder / "torch-2.7.0.dist-info" / "direct_url.json").write_text('{"commit_id": "1"}')
    assert signature() not in (before, after)


@pytest.mark.parametrize("name", ["added.py", "added.pth", "added"])
def test_what_is_installed_without_metadata(installed, name):
    folder, signature = installed
    before = signature()
    (folder / name).write_text("A = 1")
    after = signature()
    assert after != before
    (folder / name).write_text("A = 2")
    assert (signature() != after) == ("." in name)


@pytest.mark.parametrize(
    ("name", "counts"),
    [("PYTHONDONTWRITEBYTECODE", True), ("PYTHONIOENCODING", True), ("NPY_PROMOTION_STATE", True),
     ("PYTHONHASHSEED", False), ("EDITOR", False)],
)  # fmt: skip
def test_variables_that_are_read_unseen(installed, monkeypatch, name, counts):
    _, signature = installed
    monkeypatch.setenv(name, "1")
    before = signature()
    monkeypatch.setenv(name, "2")
    assert (signature() != before) == counts


def test_the_time_zone(installed, tmp_path, monkeypatch):
    _, signature = installed
    monkeypatch.setattr(world, "_TIME_ZONE", str(tmp_path / "localtime"))
    before = signature()
    (tmp_path / "localtime").write_text("TZif")
    assert signature() != before


def test_archlints_own_files_are_part_of_the_world(tmp_path, monkeypatch):
    (tmp_path / "engine.py").write_text("1")
    monkeypatch.setattr(world, "__file__", str(tmp_path / "runner" / "cache" / "world.py"))
    before = world._archlint_files()
    assert world._archlint_files() == before
    (tmp_path / "engine.py").write_text("2")
    assert world._archlint_files() != before


@pytest.mark.parametrize("record", [True, False])
def test_an_installed_archlint_is_known_by_its_record(tmp_path, monkeypatch, record):
    package = tmp_path / "site-packages" / "archlint"
    (package / "runner" / "cache").mkdir(parents=True)
    module = package / "runner" / "cache" / "environment_key.py"
    monkeypatch.setattr(world, "__file__", str(module))
    installed = tmp_path / "site-packages" / "torch_archlint-0.1.0.dist-info" / "RECORD"
    if record:
        installed.parent.mkdir()
    keys = []
    for version in ("one", "two"):
        module.write_text(version)
        if record:
            installed.write_text(f"archlint/runner/cache/environment_key.py,sha256={version},3")
        keys.append(world._archlint_files())
    assert keys[0] != keys[1]
    if record:
        module.write_text("an edit in place, which no distribution is compared with")
        assert world._archlint_files() == keys[1]
