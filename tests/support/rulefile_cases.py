"""Wrong rule files, and what each mistake in them is called: line, column, found, expected."""

from __future__ import annotations

CONTRACT = """\
archlint: 1
contracts:
  - id: a
    models: m:f
    input: N 3 H W
    accepts: any H >= 3
"""

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefg", "bcdefgh", strict=True)
)

KEYS = (
    "id, why, models, input, accepts, rejects, output, structure, artifact, costs, mode, samples, "
    "budget, skip, xfail, severity"
)
DTYPES = (
    "float32, float16, bfloat16, float64, int64, int32, int16, int8, uint8, bool, "
    "complex64, complex128"
)

CASES = [
    ("", [(1, 1, "found an empty file", "a mapping that begins with 'archlint: 1'")]),
    (
        "# only a comment\n",
        [(1, 1, "found an empty file", "a mapping that begins with 'archlint: 1'")],
    ),
    ("- a\n", [(1, 1, "found a list", "a mapping that begins with 'archlint: 1'")]),
    ("text\n", [(1, 1, "found the text 'text'", "a mapping that begins with 'archlint: 1'")]),
    (
        "contracts: []\n",
        [
            (1, 1, "the key 'archlint' is missing", "archlint: 1 at the top of the file"),
        ],
    ),
    (
        CONTRACT.replace("archlint: 1", "archlint: 2"),
        [(1, 11, "found version 2", "the number 1, the only version")],
    ),
    (
        CONTRACT.replace("archlint: 1", "archlint: '1'"),
        [(1, 11, "found the text '1'", "the number 1, the only version")],
    ),
    (
        CONTRACT.replace("archlint: 1", "archlint: true"),
        [(1, 11, "found true", "the number 1, the only version")],
    ),
    (
        "archlint: 1\n",
        [
            (
                1,
                1,
                "the key 'contracts' is missing",
                "contracts: with a list of contracts, or use: with packs",
            )
        ],
    ),
    (
        CONTRACT + "model: {}\n",
        [
            (
                7,
                1,
                "found the unknown key 'model'; did you mean 'models'?",
                "one of archlint, models, contracts, use, overrides, waivers",
            )
        ],
    ),
    (
        CONTRACT + "    ouput: N 3\n",
        [
            (
                7,
                5,
                "found the unknown key 'ouput'; did you mean 'output'?",
                f"one of {KEYS}",
            )
        ],
    ),
    (
        CONTRACT + "    mode: eval\n    mode: train\n",
        [(8, 5, "found the key 'mode' again; the first is on line 7", "each key once")],
    ),
    (
        CONTRACT + "    why: !!python/object/apply:os.system [ls]\n",
        [
            (
                7,
                10,
                "found the YAML tag '!!python/object/apply:os.system'",
                "a value without a tag",
            ),
            (7, 10, "found a list", "text"),
        ],
    ),
    (
        CONTRACT + "    why: !mine x\n",
        [(7, 10, "found the YAML tag '!mine'", "a value without a tag")],
    ),
    (
        CONTRACT + "\tmode: eval\n",
        [(7, 1, "found a tab", "spaces: YAML does not allow tabs for indentation")],
    ),
    (
        "archlint: 1\ncontracts: [a\n",
        [(3, 1, "not valid YAML: did not find expected ',' or ']'", "")],
    ),
    (
        CONTRACT + "    why: a: b\n",
        [(7, 11, "not valid YAML: mapping values are not allowed in this context", "")],
    ),
    (CONTRACT + "---\na: 1\n", [(7, 1, "found a second YAML document", "one document per file")]),
    (b"archlint: 1\nmodels: {a\xff: b}\n", [(2, 11, "found the byte 0xff", "text in UTF-8")]),
    ("archlint: 1".encode("utf-16"), [(1, 1, "found the byte 0xff", "text in UTF-8")]),
    (b"archlint: 1\n a\0b\n", [(2, 3, "found a NUL byte", "text")]),
    (b"archlint: 1\n a\x07b\n", [(2, 3, "found the control character '\\x07'", "text")]),
    (
        b"#" * 1_000_001,
        [(1, 1, "found a file of more than 1 MB", "at most 1 MB")],
    ),
    (
        CONTRACT + "    why: " + "[" * 10_000 + "\n",
        [(7, 39, "found a value nested 33 deep or deeper", "at most 32 levels")],
    ),
    (
        CONTRACT + "    why: &a [*a]\n",
        [
            (
                7,
                10,
                "found an alias inside the value that it refers to",
                "no alias here",
            )
        ],
    ),
    (
        BOMB,
        [
            (
                1,
                12,
                "found aliases that expand to more than 1000 values",
                "no alias here",
            )
        ],
    ),
    (
        CONTRACT + "    ? [a]\n    : b\n",
        [(7, 7, "found a list or mapping as a key", "text as a key")],
    ),
    (
        CONTRACT + "    samples: " + "9" * 5000 + "\n",
        [(7, 14, "found a number of 5000 digits", "at most 30 digits")],
    ),
    (
        CONTRACT.replace("id: a", "id: 12"),
        [(3, 9, "found the number 12", "text, in quotes")],
    ),
    (
        CONTRACT.replace("id: a", "id: a b"),
        [(3, 9, "found the id 'a b'", "letters, digits, '.', '_' and '-'")],
    ),
    (
        CONTRACT + CONTRACT.split("contracts:\n")[1],
        [(7, 9, "found the id 'a' again; the first is on line 3", "each id once")],
    ),
    (
        CONTRACT.replace("- id: a", "- why: a"),
        [(3, 5, "the key 'id' is missing", "id: with a name for the contract")],
    ),
    (
        CONTRACT.replace("    models: m:f\n", ""),
        [(3, 5, "the key 'models' is missing", "models: with the models to check")],
    ),
    (
        CONTRACT.replace("    input: N 3 H W\n", ""),
        [(3, 5, "the key 'input' is missing", "input: with a shape such as N 3 H W")],
    ),
    (
        CONTRACT.replace("    accepts: any H >= 3\n", ""),
        [(3, 5, "found a contract that checks nothing", "accepts, rejects, structure or costs")],
    ),
    (
        CONTRACT + "    rejects: any H < 3\n",
        [
            (
                7,
                5,
                "found accepts and rejects in one contract",
                "one of them; write two contracts for both",
            )
        ],
    ),
    (
        CONTRACT.replace("any H >= 3", "any H > = 3"),
        [(6, 20, "found '> ='; did you mean '>='?", "")],
    ),
    (
        CONTRACT.replace("any H >= 3", "'any H >> 3'"),
        [(6, 22, "found '>'", "a size or a name")],
    ),
    (
        CONTRACT.replace("any H >= 3", "any h >= 3"),
        [
            (
                6,
                18,
                "found 'h', which is not a size of the input; did you mean 'H'?",
                "one of H, N, W",
            )
        ],
    ),
    (
        CONTRACT + "    output: {a: [N 3, N Hight]}\n",
        [(7, 25, "found 'Hight', which is not a size of the input", "one of H, N, W")],
    ),
    (
        CONTRACT.replace("N 3 H W", "3 4"),
        [
            (
                6,
                18,
                "found 'H', which is not a size of the input",
                "a number: the input has no named sizes",
            )
        ],
    ),
    (
        CONTRACT.replace("N 3 H W", "{shape: N H, dtype: int64, below: V}"),
        [(5, 46, "found 'V', which is not a size of the input", "one of H, N")],
    ),
    (
        CONTRACT.replace("N 3 H W", "{shape: N H, below: 3}"),
        [(5, 25, "found 'below' for a float32 tensor", "an integer dtype, such as int64")],
    ),
    (
        CONTRACT.replace("N 3 H W", "{shape: N H, dtype: long}"),
        [
            (
                5,
                32,
                "found the text 'long'; did you mean 'int64'?",
                f"one of {DTYPES}",
            )
        ],
    ),
    (
        CONTRACT.replace("N 3 H W", "{shape: N H, dtyp: int64}"),
        [
            (
                5,
                25,
                "found the unknown key 'dtyp'; did you mean 'dtype'?",
                "one of shape, dtype, below",
            )
        ],
    ),
    (
        CONTRACT.replace("N 3 H W", "N 3 H/2"),
        [(5, 17, "found '/'", "'//', or ceil(…) or floor(…) around the division")],
    ),
    (
        CONTRACT.replace("input: N 3 H W", "input:"),
        [(5, 11, "found nothing", "a shape such as 'N 3 H W', a list or a mapping")],
    ),
    (
        CONTRACT.replace("N 3 H W", "{a: N H, b: 1.5}"),
        [(5, 24, "found the number 1.5", "a shape such as 'N 3 H W', a list or a mapping")],
    ),
    (
        CONTRACT.replace("N 3 H W", "{a: N 3 H W, b: None}"),
        [
            (
                5,
                28,
                "found None among the sizes",
                "the name of a size; leave out an argument that is None",
            )
        ],
    ),
    (
        CONTRACT.replace("N 3 H W", "{a: N 3 H W, b: null}"),
        [
            (
                5,
                28,
                "found nothing",
                "a shape such as 'N 3 H W', a list or a mapping; leave out an argument that is "
                "None, which needs a default, or Optional[...] as its annotation",
            )
        ],
    ),
    (CONTRACT.replace("N 3 H W", "[]"), [(5, 12, "found an empty list", "at least one entry")]),
    (CONTRACT.replace("input: N", "input:N"), [(5, 10, "found input:", "a space after input:")]),
    (
        CONTRACT + "    artifact: net.onnx\n",
        [(7, 15, "found the text 'net.onnx'", "a mapping such as {path: net.onnx}")],
    ),
    (CONTRACT + "    skip: true\n", [(7, 11, "found true", "the reason, in quotes")]),
    (
        CONTRACT + "    output:\n",
        [(7, 12, "found nothing", "a shape such as 'N 3 H W', a list or a mapping")],
    ),
    (
        CONTRACT + "    mode: training\n",
        [(7, 11, "found the text 'training'; did you mean 'train'?", "one of eval, train")],
    ),
    (CONTRACT + "    samples: -1\n", [(7, 14, "found the number -1", "at least 0")]),
    (CONTRACT + "    samples: many\n", [(7, 14, "found the text 'many'", "a whole number")]),
    (CONTRACT + "    budget: {seconds: 0}\n", [(7, 23, "found the number 0", "more than 0")]),
    (
        CONTRACT + "    budget: {seconds: .nan}\n",
        [(7, 23, "found the number nan", "a finite number")],
    ),
    (
        CONTRACT + "    budget: {time: 3}\n",
        [(7, 14, "found the unknown key 'time'", "one of paths, seconds, memory")],
    ),
    (
        CONTRACT + "    budget: {memory: 2 gigs}\n",
        [(7, 22, "found '2 gigs'", "a number of bytes, or text such as 512MB")],
    ),
    (
        CONTRACT + "    budget: {memory: 1.5}\n",
        [(7, 22, "found the number 1.5", "a number of bytes, or text such as 512MB or 2GB")],
    ),
    (CONTRACT + "    skip: ''\n", [(7, 11, "found the text ''", "text that is not empty")]),
    (
        CONTRACT + "    xfail: {strict: 1}\n",
        [
            (7, 12, "the key 'reason' is missing", "reason: with an explanation"),
            (7, 21, "found the number 1", "true or false"),
        ],
    ),
    (
        CONTRACT.replace("m:f", "m"),
        [(4, 13, "found 'm', which is not a model", "a target: the file names no models")],
    ),
    (
        CONTRACT.replace("m:f", "[1, '']"),
        [
            (4, 14, "found the number 1", "text, in quotes"),
            (4, 17, "found the text ''", "text that is not empty"),
        ],
    ),
    (
        "archlint: 1\nmodels: {resnet18: m:f}\n"
        + CONTRACT[12:].replace("m:f", "[resnet81, 'vgg*']"),
        [
            (
                5,
                14,
                "found 'resnet81', which is not a model; did you mean 'resnet18'?",
                "a name, a glob or a target",
            ),
            (5, 24, "found 'vgg*', which matches no model", "a name, a glob or a target"),
        ],
    ),
    (
        CONTRACT.replace("m:f", "'acme models:f'"),
        [
            (
                4,
                13,
                "'acme models:f' is not a valid target",
                "pkg.mod:factory, path/file.py:factory or torchvision:NAME",
            )
        ],
    ),
    (
        CONTRACT + "models: {a: 3, 'b c': m:f, d: {args: 3}}\n",
        [
            (
                7,
                13,
                "found the number 3",
                "a target such as pkg.mod:factory, or a mapping with one",
            ),
            (7, 16, "found the model name 'b c'", "letters, digits, '.', '_' and '-'"),
            (
                7,
                31,
                "the key 'target' is missing",
                "target: with what to import, such as pkg.mod:factory",
            ),
            (7, 38, "found the number 3", "a list"),
        ],
    ),
    ("archlint: 1\ncontracts: [3]\n", [(2, 13, "found the number 3", "a mapping")]),
    ("archlint: 1\ncontracts: {id: 3}\n", [(2, 12, "found a mapping", "a list")]),
]
