"""Whether a compiled file is that of its source."""

from __future__ import annotations

import importlib.util
import marshal
import os


def is_outdated(source: str, compiled: str) -> bool:
    """Whether Python takes ``compiled`` for the code of ``source``, and it is not.

    It goes by the time (in seconds) and the size of the source; both stay the same when a file is
    written, compiled and written again within a second.
    """
    try:
        with open(compiled, "rb") as file:
            head, code = file.read(16), file.read()
        status = os.stat(source)
        with open(source, "rb") as file:
            text = file.read()
        flags, seconds, size = (int.from_bytes(head[i : i + 4], "little") for i in (4, 8, 12))
        if head[:4] != importlib.util.MAGIC_NUMBER or flags == 0b11:
            return False  # not taken, or checked by contents
        same = seconds == int(status.st_mtime) & 0xFFFFFFFF and size == status.st_size & 0xFFFFFFFF
        if flags == 0 and (not same or int(os.stat(compiled).st_mtime) > seconds):
            return False  # not taken, or written in a later second than the source
        made = compile(text, source, "exec", dont_inherit=True)
        return bool(marshal.dumps(made) != code and made != marshal.loads(code))
    except OSError:
        return False  # there is none
    except (ValueError, EOFError, TypeError, SyntaxError):
        return True
