"""What makes a record of dependencies incomplete: what no later run can compare."""

from __future__ import annotations

import re
from types import CodeType

from archlint.runner.cache.bytecode import names_in, uses_builtin

NOT_SEEN = {
    **dict.fromkeys(("now", "utcnow", "today"), "the date"),
    **dict.fromkeys(("fromtimestamp", "astimezone", "tzname", "altzone"), "the time zone"),
    **dict.fromkeys(("get_ident", "get_native_id", "native_id"), "the id of a thread"),
}
"""What names in code are for, whose use cannot be seen: methods of built-in classes, attributes."""

EXECUTES = frozenset(("execute", "executescript"))
ATTACHES = re.compile(r"\battach\b", re.IGNORECASE)
"""SQL that opens another database, which no audit event reports."""

NOT_COMPARABLE = frozenset((
    "subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn",
    "os.spawn", "pty.spawn",
    "socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
    "socket.gethostbyname", "socket.gethostbyaddr", "socket.gethostname", "socket.getnameinfo",
    "socket.getservbyname", "socket.getservbyport", "os.getxattr", "os.listxattr",
    "sqlite3.load_extension",
))  # fmt: skip
"""Audit events of other processes, the network and attributes of files."""

NATIVE_CALLS = ("ctypes.dlsym", "ctypes.dlsym/handle", "ctypes.cdata", "ctypes.string_at")
"""Audit events of calls of native code, and of reading memory."""

NATIVE = frozenset((
    "cv2", "tokenizers", "sentencepiece", "pyarrow", "lmdb", "onnxruntime", "duckdb", "soundfile",
    "av", "faiss", "psutil", "cffi", "torchcodec", "posix", "nt",
))  # fmt: skip
"""Modules whose native code reads files or asks the machine, and has no function to watch."""


def reads_unseen(code: CodeType) -> str:
    """What a piece of code reads that no later run can compare, by the names in it; or ``""``."""
    names = set(names_in(code))
    if found := NOT_SEEN.keys() & names:
        return f"the code reads {NOT_SEEN[min(found)]}"
    if EXECUTES & names and any(map(ATTACHES.search, names)):
        return "the code attaches a database"
    return "the code reads where objects lie in memory" if uses_builtin(code, "id") else ""
