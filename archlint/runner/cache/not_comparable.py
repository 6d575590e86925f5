"""What makes a record of dependencies incomplete: what no later run can compare."""

from __future__ import annotations

import re
from types import CodeType

from archlint.runner.cache.bytecode import calls_without_arguments, names_in, uses_builtin

NOT_SEEN = {
    **dict.fromkeys(("now", "utcnow", "today"), "the date"),
    **dict.fromkeys(("fromtimestamp", "astimezone", "tzname", "altzone"), "the time zone"),
    **dict.fromkeys(("get_ident", "get_native_id", "native_id", "ident"), "the id of a thread"),
    **dict.fromkeys(("data_ptr", "ctypes", "__array_interface__"), "where tensors lie in memory"),
    **dict.fromkeys(
        ("getrefcount", "getallocatedblocks", "get_objects", "get_referrers", "get_traced_memory"),
        "what the process has in memory",
    ),
    **dict.fromkeys(
        ("cpu_count", "__cpu_features__", "supported_engines"), "which processors the machine has"
    ),
    **dict.fromkeys(("executable", "orig_argv"), "the command of the process"),
    "inode": "the inode of a file",
    "RAND_bytes": "random bytes",
}
"""What names in code are for, whose use cannot be seen: methods of built-in classes, attributes."""

EXECUTES = frozenset(("execute", "executemany", "executescript", "read_sql", "read_sql_query"))
ATTACHES = re.compile(r"\battach\b", re.IGNORECASE)
DRAWS = re.compile(
    r"\brandom(blob)?\s*\(|\bcurrent_(time|date|timestamp)\b|'now'"
    r"|\b(date|time|datetime|julianday|unixepoch|strftime)\s*\(",
    re.IGNORECASE,
)
"""SQL that opens another database, which no audit event reports, and SQL with other results in each
run: random numbers and the date."""

NOT_COMPARABLE = frozenset((
    "subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn",
    "os.spawn", "pty.spawn",
    "socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
    "socket.gethostbyname", "socket.gethostbyaddr", "socket.gethostname", "socket.getnameinfo",
    "socket.getservbyname", "socket.getservbyport", "os.getxattr", "os.listxattr",
    "sqlite3.load_extension", "os.kill", "os.killpg",
))  # fmt: skip
"""Audit events of other processes, the network and attributes of files."""

NATIVE_CALLS = (
    "ctypes.dlsym", "ctypes.dlsym/handle", "ctypes.cdata", "ctypes.string_at", "fcntl.ioctl",
)  # fmt: skip
"""Audit events of calls of native code, of reading memory and of asking devices."""

NATIVE = frozenset((
    "cv2", "tokenizers", "sentencepiece", "pyarrow", "lmdb", "onnxruntime", "duckdb", "soundfile",
    "av", "faiss", "psutil", "cffi", "torchcodec", "posix", "nt", "polars", "xgboost", "lightgbm",
    "catboost", "tensorflow", "open3d", "rdkit", "SimpleITK", "rasterio", "decord", "openvino",
    "tensorrt", "ctranslate2", "llama_cpp", "kenlm", "fasttext", "annoy", "hnswlib", "pynvml",
    "cpuinfo", "cProfile", "_lsprof",
))  # fmt: skip
"""Modules whose native code reads files, asks the machine or a clock, and has no function to watch.
"""

TOKENIZERS = re.compile(r"^(AutoTokenizer|AutoProcessor|\w+TokenizerFast)$")
"""Classes of ``transformers`` that read files through the package ``tokenizers``."""


def reads_unseen(code: CodeType) -> str:
    """What a piece of code reads that no later run can compare, by the names in it; or ``""``."""
    names = set(names_in(code))
    if found := NOT_SEEN.keys() & names:
        return f"the code reads {NOT_SEEN[min(found)]}"
    if EXECUTES & names:
        if any(map(ATTACHES.search, names)):
            return "the code attaches a database"
        if any(map(DRAWS.search, names)):
            return "the code queries a database for random numbers or the date"
    if any(map(TOKENIZERS.search, names)):
        return "the code reads files through tokenizers"
    if calls_without_arguments(code, "seed"):
        return "the code takes a seed from the system"
    by_name = {"builtins", "__builtins__"} & names and {"id", "hash"} & names
    if by_name or uses_builtin(code, "id", "hash") or calls_without_arguments(code, "__hash__"):
        return "the code reads where objects lie in memory"
    return ""
