"""Ways to learn something from outside, for tests/runner/cache/test_dependency_watch.py."""

# Code that sets ``answer``; data/NAME holds the probe's files. Then the change, run in its folder.
TEXT = "write('t.txt', 'two')"
KEPT = {
    "open": ("answer = open(here / 't.txt').read()", TEXT),
    "open_binary": ("answer = open(str(here / 't.txt').encode(), 'rb').read()", TEXT),
    "open_update": ("with open(here / 't.txt', 'r+') as f: answer = f.read()", TEXT),
    "os_open": ("import os; answer = os.read(os.open(here / 't.txt', os.O_RDONLY), 99)", TEXT),
    "file_io": ("import io; answer = io.FileIO(here / 't.txt').read()", TEXT),
    "open_code": ("import io; answer = io.open_code(str(here / 't.txt')).read()", TEXT),
    "read_text": ("answer = (here / 't.txt').read_text()", TEXT),
    "relative": ("import os; os.chdir(here); answer = open('t.txt').read()", TEXT),
    "mmap": (
        "import mmap\nwith open(here / 't.txt', 'rb') as f:\n"
        "    answer = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)[:]",
        TEXT,
    ),
    "codecs": ("import codecs; answer = codecs.open(here / 't.txt').read()", TEXT),
    "linecache": ("import linecache; answer = linecache.getline(str(here / 't.txt'), 1)", TEXT),
    "fileinput": ("import fileinput; answer = list(fileinput.input([here / 't.txt']))", TEXT),
    "exec": ("names = {}; exec(open(here / 'c.py').read(), names); answer = names['A']",
             "write('c.py', 'A = 2')"),
    "run_path": ("import runpy; answer = runpy.run_path(str(here / 'c.py'))['A']",
                 "write('c.py', 'A = 2')"),
    "csv": ("import csv; answer = list(csv.reader(open(here / 't.txt')))", TEXT),
    "configparser": (
        "import configparser; c = configparser.ConfigParser(); c.read(here / 't.ini'); "
        "answer = c['a']['b']", "write('t.ini', '[a]\\nb = two')"),
    "gzip": ("import gzip; answer = gzip.open(here / 't.gz').read()",
             "import gzip; gzip.open('t.gz', 'wb').write(b'two')"),
    "zipfile": ("import zipfile; answer = zipfile.ZipFile(here / 't.zip').namelist()",
                "import zipfile; zipfile.ZipFile('t.zip', 'w').writestr('two', '')"),
    "absent": ("answer = [p.name for p in [here / 'new.txt'] if p.exists()]", "write('new.txt')"),
    "absent_open": (
        "try: answer = open(here / 'new.txt').read()\nexcept OSError: answer = None",
        "write('new.txt')",
    ),
    # Imports
    "import_": ("import sys; sys.path.append(str(here)); import m_import_; answer = m_import_.A",
                "write('m_import_.py', 'A = 2')"),
    "import_module": (
        "import importlib, sys; sys.path.append(str(here)); "
        "answer = importlib.import_module('m_import_module').A",
        "write('m_import_module.py', 'A = 2')",
    ),
    "from_file": (
        "import importlib.util as u; s = u.spec_from_file_location('x', here / 'c.py'); "
        "m = u.module_from_spec(s); s.loader.exec_module(m); answer = m.A",
        "write('c.py', 'A = 2')",
    ),
    "import_absent": (
        "import sys; sys.path.append(str(here))\n"
        "try: import m_absent; answer = 1\nexcept ImportError: answer = 0",
        "write('m_absent.py')",
    ),
    "package_beside": (
        "import sys; sys.path.append(str(here)); import m_beside; answer = m_beside.A",
        "write('m_beside/__init__.py', 'A = 2')",
    ),
    "namespace_folder": (
        "import sys; sys.path.append(str(here)); import m_folder; answer = m_folder.A",
        "write('m_folder/__init__.py', 'A = 2')",
    ),
    "extension_beside": (
        "import sys; sys.path.append(str(here)); import m_extension; answer = m_extension.A",
        "write('m_extension.so')",
    ),
    "zip_module": (
        "import sys; sys.path.append(str(here / 'z.zip')); import m_zip; answer = m_zip.A",
        "import zipfile; zipfile.ZipFile('z.zip', 'w').writestr('m_zip.py', 'A = 2')",
    ),
    "get_data": (
        "import pkgutil, sys; sys.path.append(str(here)); "
        "answer = pkgutil.get_data('m_data', 't.txt')", "write('m_data/t.txt', 'two')"),
    "resources": (
        "import importlib.resources as r, sys; sys.path.append(str(here)); "
        "answer = r.files('m_resources').joinpath('t.txt').read_text()",
        "write('m_resources/t.txt', 'two')",
    ),
    "iter_modules": (
        "import pkgutil; answer = [m.name for m in pkgutil.iter_modules([str(here)])]",
        "write('another.py')",
    ),
    "metadata": (
        "import importlib.metadata as m, sys; sys.path.append(str(here)); "
        "answer = [d.name for d in m.distributions(path=[str(here)])]",
        "write('two.egg-info/PKG-INFO', 'Name: two')",
    ),
    "source": (
        "import inspect, sys; sys.path.append(str(here)); import m_source; "
        "answer = inspect.getsource(m_source)", "write('m_source.py', 'A = 2')"),
    "find_spec": (
        "import importlib.util as u, sys; sys.path.append(str(here)); "
        "answer = u.find_spec('m_absent') is None", "write('m_absent.py')"),
    "find_spec_inside": (
        "import importlib.util as u, sys; sys.path.append(str(here)); "
        "answer = u.find_spec('m_data.sub') is None", "write('m_data/sub.py')"),
    "entry_points": (
        "import importlib.metadata as m, sys; sys.path.append(str(here)); "
        "answer = len(m.entry_points(group='probes'))",
        "write('a.egg-info/entry_points.txt', '[probes]\\nx = os:getcwd\\n'); "
        "write('a.egg-info/PKG-INFO', 'Name: a')",
    ),
    "patched_class": (
        "import sys; sys.path.append(str(here)); import m_source, m_import_; "
        "answer = m_source.A", "write('m_import_.py', 'import m_source; m_source.A = 2')"),
    # Folders
    "listdir": ("import os; answer = sorted(os.listdir(here))", "write('two.txt')"),
    "listdir_here": ("import os; os.chdir(here); answer = os.listdir()", "write('two.txt')"),
    "scandir": ("import os; answer = [e.name for e in os.scandir(here)]", "write('two.txt')"),
    "scandir_size": ("import os; answer = [e.stat().st_size for e in os.scandir(here)]",
                     "write('t.txt', 'three')"),
    "walk": ("import os; answer = [f for *_, f in os.walk(here)]", "write('below/two.txt')"),
    "glob": ("import glob; answer = glob.glob(str(here / '*.txt'))", "write('two.txt')"),
    "rglob": ("answer = list(here.rglob('*.txt'))", "write('below/two.txt')"),
    "iterdir": ("answer = list(here.iterdir())", "write('two.txt')"),
    # Questions about a path
    "exists": ("import os; answer = os.path.exists(here / 'two')", "write('two')"),
    "lexists": ("import os; answer = os.path.lexists(here / 'two')", "write('two')"),
    "isfile": ("answer = (here / 'two').is_file()", "write('two')"),
    "isdir": ("import os; answer = os.path.isdir(here / 'two')", "write('two/a')"),
    "islink": ("import os; answer = os.path.islink(here / 't.txt')",
               "import os; os.rename('t.txt', 'u'); os.symlink('u', 't.txt')"),
    "getsize": ("import os; answer = os.path.getsize(here / 't.txt')", "write('t.txt', 'three')"),
    "getmtime": ("import os; answer = os.path.getmtime(here / 't.txt')",
                 "import os; os.utime('t.txt', (5, 5))"),
    "path_stat": ("answer = (here / 't.txt').stat().st_size", "write('t.txt', 'three')"),
    "os_stat": ("import os; answer = os.stat(here / 't.txt').st_mtime",
                "import os; os.utime('t.txt', (5, 5))"),
    "stat_by_name": ("from os import stat; answer = stat(here / 't.txt').st_mode",
                     "import os; os.chmod('t.txt', 0o755)"),
    "access": ("import os; answer = os.access(here / 'two', os.R_OK)", "write('two')"),
    "readlink": ("import os; answer = os.readlink(here / 'link')",
                 "import os; os.remove('link'); os.symlink('two', 'link')"),
    "realpath": ("import os; answer = os.path.realpath(here / 'link')",
                 "import os; os.remove('link'); os.symlink('two', 'link')"),
    "resolve": ("answer = (here / 'link').resolve()",
                "import os; os.remove('link'); os.symlink('two', 'link')"),
    "chdir": ("import os; os.chdir(here / 'link_below'); answer = os.getcwd()",
              "import os; os.remove('link_below'); os.symlink('m_data', 'link_below')"),
    "link_below": ("answer = [p.name for p in (here / 'link_below').iterdir()]",
                   "import os; os.remove('link_below'); os.symlink('m_data', 'link_below')"),
    "fstat": ("f = open(here / 't.txt'); import os; answer = os.fstat(f.fileno()).st_size",
              "write('t.txt', 'three')"),
    "filecmp": ("import filecmp; answer = filecmp.cmp(here / 't.txt', here / 'c.py')",
                "write('t.txt', 'A = 1')"),
    "which": ("import shutil; answer = shutil.which('tool', path=str(here))",
              "import os; write('tool'); os.chmod('tool', 0o755)"),
    # Threads
    "thread": (
        "import threading; said = []\n"
        "t = threading.Thread(target=lambda: said.append(open(here / 't.txt').read()))\n"
        "t.start(); t.join(); answer = said",
        TEXT,
    ),
    "pool": (
        "import os; from concurrent.futures import ThreadPoolExecutor as P\n"
        "with P(1) as p: answer = p.submit(os.path.getsize, here / 't.txt').result()",
        "write('t.txt', 'three')",
    ),
    # Environment variables
    "environ": ("import os; answer = os.environ['PROBE']", ""),
    "environ_get": ("import os; answer = os.environ.get('PROBE')", ""),
    "getenv": ("import os; answer = os.getenv('PROBE')", ""),
    "getenv_absent": ("import os; answer = os.getenv('PROBE_NEW')", ""),
    "environ_in": ("from os import environ; answer = 'PROBE_NEW' in environ", ""),
    "environ_length": ("import os; answer = len(os.environ)", ""),
    "environ_names": ("import os; answer = [n for n in os.environ if 'PROBE' in n]", ""),
    "environb": ("import os; answer = os.environb.get(b'PROBE')", ""),
    "expandvars": ("import os; answer = os.path.expandvars('$PROBE')", ""),
    "expanduser": ("import os; answer = os.path.expanduser('~')", ""),
    "format": ("import os; answer = '{PROBE}'.format_map(os.environ)", ""),
    "environ_text": ("import os; answer = repr(os.environ)", ""),
    "setdefault": ("import os; answer = os.environ.setdefault('PROBE', '')", ""),
    # Databases
    "sqlite": (
        "import sqlite3; answer = sqlite3.connect(here / 't.db').execute('select a from t')"
        ".fetchall()",
        "import sqlite3; c = sqlite3.connect('t.db'); c.execute('update t set a = 2'); c.commit()",
    ),
    "sqlite_uri": (
        "import sqlite3; answer = sqlite3.connect(f'file:{here}/t.db?mode=ro', uri=True)"
        ".execute('select a from t').fetchall()",
        "import sqlite3; c = sqlite3.connect('t.db'); c.execute('update t set a = 2'); c.commit()",
    ),
    "path_finder": (
        "from importlib.machinery import PathFinder; "
        "answer = PathFinder.find_spec('m_absent', [str(here)]) is None", "write('m_absent.py')"),
    "file_finder": (
        "from importlib.machinery import FileFinder as F, SourceFileLoader as L; "
        "answer = F(str(here), (L, ['.py'])).find_spec('m_absent') is None",
        "write('m_absent.py')"),
    "meta_path": (
        "import sys\nanswer = [f.find_spec('m_absent', [str(here)]) is None "
        "for f in sys.meta_path if 'Path' in str(f)]", "write('m_absent.py')"),
    "zipimporter": (
        "import zipimport; answer = zipimport.zipimporter(str(here / 'z.zip'))"
        ".load_module('m_zip').A",
        "import zipfile; zipfile.ZipFile('z.zip', 'w').writestr('m_zip.py', 'A = 2')"),
    "environ_data": ("import os; answer = os.environ._data[b'PROBE']", ""),
    "json": ("import json; answer = json.load(open(here / 't.json'))", "write('t.json', '2')"),
    "toml": ("import tomllib; answer = tomllib.load(open(here / 'c.py', 'rb'))",
             "write('c.py', 'A = 2')"),
    "xml": ("import xml.etree.ElementTree as e; answer = e.parse(here / 't.xml').getroot().tag",
            "write('t.xml', '<b/>')"),
    "tar": ("import tarfile\ntry: answer = tarfile.open(here / 't.txt').getnames()\n"
            "except tarfile.ReadError: answer = open(here / 't.txt').read()", TEXT),
    "pickle": ("import pickle; answer = pickle.load(open(here / 't.pickle', 'rb'))",
               "write('t.pickle', 'I2\\n.')"),
    "lazy_loader": (
        "import importlib.util as u, sys; s = u.spec_from_file_location('x', here / 'c.py'); "
        "s.loader = u.LazyLoader(s.loader); m = u.module_from_spec(s); "
        "s.loader.exec_module(m); answer = m.A", "write('c.py', 'A = 2')"),
    "namespace_before": (
        "import sys; sys.path[:0] = [str(here / 'a'), str(here / 'b')]; import ns.mod; "
        "answer = ns.mod.A", "write('a/ns/mod.py', 'A = 2')"),
    "hides_namespace": (
        "import sys; sys.path[:0] = [str(here / 'a'), str(here / 'b')]; import ns.mod; "
        "answer = ns.mod.A", "write('a/ns/__init__.py'); write('a/ns/mod.py', 'A = 3')"),
    "pth": ("import site, sys; site.addsitedir(str(here / 'sites')); import m_pth; "
            "answer = m_pth.A", "write('sites/p.pth', '../b')"),
    "sourceless": (
        "from importlib.machinery import SourcelessFileLoader as L; import types; "
        "m = types.ModuleType('x'); L('x', str(here / '__pycache__/s.pyc')).exec_module(m); "
        "answer = m.A", "write_compiled('A = 2')"),
    "version": ("import importlib.metadata as m, sys; sys.path.append(str(here)); "
                "answer = m.version('one')",
                "write('one.egg-info/PKG-INFO', 'Name: one\\nVersion: 2')"),
    "git": ("answer = (here / 'git' / 'HEAD').read_text()", "write('git/HEAD', 'two')"),
    "stat_size": ("import os\nclass S:\n    def __init__(self, p): self.n = os.stat(p).st_size\n"
                  "answer = S(here / 't.txt').n", "write('t.txt', 'three')"),
    "hub": ("import os; answer = os.path.join(os.path.expanduser('~'), '.cache/torch/hub')", ""),
    "plist": ("import plistlib; answer = plistlib.load(open(here / 't.plist', 'rb'))",
              "import plistlib; Path('t.plist').write_bytes(plistlib.dumps({'a': 2}))"),
    "netrc": ("import netrc; answer = netrc.netrc(str(here / 'netrc')).hosts",
              "write('netrc', 'machine a login two password x')"),
    "bz2": ("import bz2; answer = bz2.open(here / 't.bz2').read()",
            "import bz2; Path('t.bz2').write_bytes(bz2.compress(b'two'))"),
    "lzma": ("import lzma; answer = lzma.open(here / 't.xz').read()",
             "import lzma; Path('t.xz').write_bytes(lzma.compress(b'two'))"),
    "zip_path": ("import zipfile; answer = (zipfile.Path(here / 'z.zip') / 'm_zip.py').read_text()",
                 "import zipfile; zipfile.ZipFile('z.zip', 'w').writestr('m_zip.py', 'A = 2')"),
    "zip_data": ("import zipimport; answer = zipimport.zipimporter(str(here / 'z.zip'))"
                 ".get_data('m_zip.py')",
                 "import zipfile; zipfile.ZipFile('z.zip', 'w').writestr('m_zip.py', 'A = 2')"),
    "io_in_python": ("import _pyio; answer = _pyio.open(str(here / 't.txt')).read()", TEXT),
    "io_in_c": ("import _io; answer = _io.open(here / 't.txt').read()", TEXT),
    "loader_data": ("from importlib.machinery import SourceFileLoader as S; "
                    "answer = S('x', str(here / 'c.py')).get_data(str(here / 't.txt'))", TEXT),
    "log_settings": (
        "import logging.config; logging.config.fileConfig(here / 'log.ini'); "
        "answer = logging.getLogger().level",
        "write('log.ini', Path('log.ini').read_text().replace('DEBUG', 'ERROR'))"),
    "search_path": ("import os; answer = [p for p in os.get_exec_path() if 'probe' in p]", ""),
    "hidden": ("import os; answer = [n for _, d, f in os.walk(here) for n in d if n[0] == '.']",
               "write('.hidden/x')"),
    "dbm": (
        "import dbm\nwith dbm.open(str(here / 'd'), 'r') as d: answer = d[b'a']",
        "import dbm\nwith dbm.open('d', 'c') as d: d[b'a'] = b'two'",
    ),
}  # fmt: skip


TORCH = {
    "load": "torch.load(here / 't.pt')",
    "load_mmap": "torch.load(str(here / 't.pt'), mmap=True)",
    "jit_load": "torch.jit.load(here / 't.jit')(torch.zeros(1))",
    "jit_by_name": "load_script(str(here / 't.jit'))(torch.zeros(1))",
    "export": "next(iter(torch.export.load(here / 't.pt2').state_dict.values()))",
    "from_file": "torch.from_file(str(here / 't.raw'), size=1)",
    "storage": "torch.tensor(torch.FloatStorage.from_file(str(here / 't.raw'), False, 1))",
    "safetensors": "__import__('safetensors.torch').torch.load_file(here / 't.st')['k']",
    "safe_open": "__import__('safetensors').safe_open(here / 't.st', 'pt').get_tensor('k')",
    "numpy": "torch.tensor(np.load(here / 't.npy'))",
    "memmap": "torch.tensor(np.memmap(here / 't.raw', dtype='float32', mode='r'))",
    "fromfile": "torch.tensor(np.fromfile(here / 't.raw', dtype='float32'))",
    "plugin": "torch.tensor(PLUGIN.NUMBER)",
    "state_dict": "state(torch.load(here / 'state.pt', weights_only=True))",
}
