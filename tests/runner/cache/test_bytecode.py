"""Compiled files that are not of their source."""

import importlib.util
import os
import py_compile

from archlint.runner.cache.bytecode import is_outdated


def test_a_compiled_file_that_is_not_of_its_source(tmp_path):
    """Python goes by time and size: both can be the same while the text is another."""
    source = tmp_path / "m.py"
    compiled = importlib.util.cache_from_source(str(source))
    source.write_text("A = 1\n")
    py_compile.compile(str(source), invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
    assert not is_outdated(str(source), compiled)
    status = source.stat()
    os.utime(compiled, ns=(status.st_atime_ns, status.st_mtime_ns))  # in one second, as meant here
    source.write_text("A = 2\n")
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert is_outdated(str(source), compiled)
    os.utime(source, (status.st_mtime + 5, status.st_mtime + 5))  # Python sees that by itself
    assert not is_outdated(str(source), compiled)
