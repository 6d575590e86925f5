"""The dependency audit: for each way to learn something from outside, a model that does.

All models are checked in one run, then again, then after all that they depend on has changed. A
verdict whose probe is ``KEPT`` comes from the cache in the second run. In the third none does,
except that of the model that depends on none of it.
"""

import os
import py_compile
import tempfile
import textwrap
from pathlib import Path

import pytest

from tests.support.audited_probes import KEPT, TORCH
from tests.support.audited_project import checked, rules
from tests.support.audited_secrets import NOT_KEPT
from tests.support.cached_project import ENV, Project

START = """
import bz2, dbm, gzip, lzma, os, plistlib, sqlite3, zipfile
write('t.txt', 'one')
write('c.py', 'A = 1')
write('t.ini', '[a]\\nb = one')
write('t.json', '1')
write('netrc', 'machine a login one password x')
write('log.ini', '[loggers]\\nkeys=root\\n[handlers]\\nkeys=\\n[formatters]\\nkeys=\\n'
      '[logger_root]\\nlevel=DEBUG\\nhandlers=\\n')
Path('t.plist').write_bytes(plistlib.dumps({'a': 1}))
Path('t.bz2').write_bytes(bz2.compress(b'one'))
Path('t.xz').write_bytes(lzma.compress(b'one'))
write('t.xml', '<a/>')
write('t.pickle', 'I1\\n.')
for name in ('import_', 'import_module', 'beside', 'extension', 'source'):
    write(f'm_{name}.py', 'A = 1')
write('m_folder.py', 'A = 1')
for name in ('a/ns/other', 'b/ns/mod', 'a/m_pth'):
    write(f'{name}.py', 'A = 1')
write('b/m_pth.py', 'A = 2')
write('sites/p.pth', '../a')
write_compiled('A = 1')
write('one.egg-info/PKG-INFO', 'Name: one\\nVersion: 1')
write('git/HEAD', 'one')
os.mkdir('m_folder')
os.mkdir('below')
for name in ('data', 'resources'):
    write(f'm_{name}/__init__.py')
    write(f'm_{name}/t.txt', 'one')
gzip.open('t.gz', 'wb').write(b'one')
zipfile.ZipFile('t.zip', 'w').writestr('one', '')
zipfile.ZipFile('z.zip', 'w').writestr('m_zip.py', 'A = 1')
os.symlink('t.txt', 'link')
os.symlink('below', 'link_below')
base = sqlite3.connect('t.db')
base.execute('create table t (a)')
base.execute('insert into t values (1)')
base.commit()
with dbm.open('d', 'c') as d:
    d[b'a'] = b'one'
"""
MODEL = """
from pathlib import Path
def f():
    here = Path(__file__).parent / "data" / "{name}"
{code}
    return f"proved {{answer}}"
"""


def change(folder, code):
    """Run code in a folder, with a function that writes a file of another time."""

    def write(name, text=""):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def write_compiled(code):
        write("s.py", code)
        py_compile.compile("s.py", cfile="__pycache__/s.pyc")
        os.remove("s.py")

    here = os.getcwd()
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    try:
        exec(code, {"write": write, "write_compiled": write_compiled, "Path": Path})
    finally:
        os.chdir(here)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("audit") / "site-packages" / "acme"  # a folder like any other
    root.mkdir(parents=True)
    project = Project(root)
    codes = {n: code for n, (code, _) in KEPT.items()} | NOT_KEPT | {"alone": "answer = 1"}
    for name, code in codes.items():
        text = MODEL.format(name=name, code=textwrap.indent(code, "    "))
        project.write(f"probe_{name}.py", text)
        change(project.root / "data" / name, START)
    for file, names in (("kept", [*KEPT, "alone"]), ("not_kept", NOT_KEPT)):
        project.write(f"{file}.yaml", rules(f"{n}: probe_{n}:f" for n in names))
    one = {"PROBE": "one", "HOME": "/one"}
    first = checked(project, **one)
    second = checked(project, **one)
    for name, (_, code) in KEPT.items():
        change(project.root / "data" / name, code)
    (project.root / "not_kept.yaml").unlink()
    third = checked(project, PROBE="two", HOME="/two", PROBE_NEW="1", PATH="/probe")
    return first, second, third


def test_the_audit_is_large():
    assert len(KEPT) + len(NOT_KEPT) + len(TORCH) >= 100


@pytest.mark.parametrize("name", KEPT)
def test_a_change_is_seen(runs, name):
    first, second, third = (run[name] for run in runs)
    assert first[1].startswith("proved"), first
    assert second == (True, first[1])
    assert not third[0]
    assert third[1] != first[1]


@pytest.mark.parametrize("name", NOT_KEPT)
def test_what_cannot_be_compared_is_not_kept(runs, name):
    first, second = (run[name] for run in runs[:2])
    assert first[1].startswith("proved"), first
    assert not second[0]


def test_a_model_that_depends_on_nothing_outside_stays_cached(runs):
    assert {run["alone"][1] for run in runs} == {"proved1"}
    assert [run["alone"][0] for run in runs] == [False, True, True]


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="there is no such folder")
def test_optimised_code_and_projects_below_dev():
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        project = Project(Path(folder))
        project.write("acme.py", "A = 'one'\ndef f(): return f'proved {A} {__debug__}'")
        project.rules("acme:f")
        assert checked(project)["m0"] == (False, "provedone True")
        assert checked(project)["m0"] == (True, "provedone True")
        assert checked(project, PYTHONOPTIMIZE="1")["m0"] == (False, "provedone False")
        project.write("acme.py", "A = 'two'\ndef f(): return f'proved {A} {__debug__}'")
        assert checked(project)["m0"] == (False, "provedtwo True")


def test_the_order_of_a_set_is_the_same_in_each_run(tmp_path):
    project = Project(tmp_path)
    project.write("acme.py", "def f(): return f'proved {list(set(map(str, range(99))))}'")
    project.rules("acme:f")
    first = checked(project, PYTHONHASHSEED="1")["m0"]
    assert checked(project, PYTHONHASHSEED="2")["m0"] == (True, first[1])
    (tmp_path / "acme.py").write_text((tmp_path / "acme.py").read_text() + "\n")
    assert checked(project)["m0"] == (False, first[1])


def test_a_module_that_python_imports_at_its_start_counts(tmp_path):
    project = Project(tmp_path)
    path = os.pathsep.join((str(tmp_path), ENV["PYTHONPATH"]))
    project.write("sitecustomize.py", "import builtins; builtins.A = 1")
    project.write("acme.py", "def f(): return f'proved {A}'")
    project.rules("acme:f")
    assert checked(project, PYTHONPATH=path)["m0"] == (False, "proved1")
    assert checked(project, PYTHONPATH=path)["m0"] == (True, "proved1")
    project.write("sitecustomize.py", "import builtins; builtins.A = 2")
    assert checked(project, PYTHONPATH=path)["m0"] == (False, "proved2")
