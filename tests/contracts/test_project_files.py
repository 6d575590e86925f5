"""Folders of a project that are searched, and those that are not."""

from archlint.contracts.project_files import files_below, is_skipped


def test_files_below(tmp_path):
    for name in ("b/z.py", "a.py", ".git/x.py", "env/pyvenv.cfg", "node_modules/y.py", "b/c/d.py"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    names = [f.relative_to(tmp_path).as_posix() for f in files_below(tmp_path)]
    assert names == ["a.py", "b/z.py", "b/c/d.py"]
    others = files_below(tmp_path, lambda folder: is_skipped(folder) or folder.name == "c")
    assert [f.name for f in others] == ["a.py", "z.py"]
