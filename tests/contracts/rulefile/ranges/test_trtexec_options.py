"""Lines as people write them in scripts, CI files and Python, and the ranges that they state."""

import pytest

from archlint.contracts.rulefile.ranges.forms import read_profiles
from archlint.contracts.rulefile.ranges.trtexec_options import read
from archlint.errors import ArchlintError, RuleFileError

KINDS = "min", "opt", "max"
BASE = "--minShapes=x:1x3x32x32 --optShapes=x:4x3x64x64 --maxShapes=x:8x3x96x96"
IMAGE = {"x": ((1, 3, 32, 32), (4, 3, 64, 64), (8, 3, 96, 96))}
FIXED = {"x": ((1, 3, 64, 64), (1, 3, 64, 64), (1, 3, 64, 64))}
TOKENS = {
    "ids": ((1, 8), (2, 128), (4, 512)),
    "mask": ((1, 8), (2, 128), (4, 512)),
}
IDS = "ids:1x8,mask:1x8", "ids:2x128,mask:2x128", "ids:4x512,mask:4x512"
TWO = "--minShapes={} --optShapes={} --maxShapes={}".format(*IDS)


def named(name):
    return BASE.replace("x:", f"{name}:"), {name: IMAGE["x"]}


def image(low, opt, high, name="images"):
    words = (f"--{k}Shapes={name}:{s}" for k, s in zip(KINDS, (low, opt, high), strict=True))
    shapes = tuple(tuple(map(int, s.split("x"))) for s in (low, opt, high))
    return " ".join(words), {name: shapes}


LINES = [
    (f"trtexec --onnx=net.onnx {BASE}", [IMAGE]),
    (f"trtexec --onnx=net.onnx --saveEngine=net.plan --fp16 {BASE} --verbose", [IMAGE]),
    (f"/usr/src/tensorrt/bin/trtexec --onnx=/w/net.onnx {BASE} --workspace=4096", [IMAGE]),
    (f"trtexec --explicitBatch --onnx=net.onnx {BASE}", [IMAGE]),
    (f"trtexec {BASE} --onnx=net.onnx --int8 --calib=c.cache > log.txt 2>&1", [IMAGE]),
    (f"docker run --rm -v $PWD:/w img trtexec --onnx=/w/n.onnx {BASE}", [IMAGE]),
    (f"RUN trtexec --onnx=n.onnx {BASE} && rm n.onnx", [IMAGE]),
    (f"\t$(TRTEXEC) --onnx=$< {BASE}", [IMAGE]),
    (f"      - run: trtexec --onnx=n.onnx {BASE}", [IMAGE]),
    (f"subprocess.run('trtexec --onnx=n.onnx {BASE}', shell=True)", [IMAGE]),
    (f'os.system("trtexec --onnx=n.onnx {BASE}")', [IMAGE]),
    ("trtexec \\\n  --onnx=n.onnx \\\n  " + BASE.replace(" ", " \\\n  "), [IMAGE]),
    ("trtexec ^\n  " + BASE.replace(" ", " ^\n  "), [IMAGE]),
    ("trtexec `\n  " + BASE.replace(" ", " `\n  "), [IMAGE]),
    (", ".join(f'"{w}"' for w in ["trtexec", *BASE.split()]), [IMAGE]),
    (",\n".join(f"    '{w}'" for w in ["trtexec", *BASE.split()]), [IMAGE]),
    (f"trtexec {TWO}", [TOKENS]),
    (f"trtexec --onnx=bert.onnx {TWO} --useCudaGraph", [TOKENS]),
    ("trtexec --minShapes='{}' --optShapes='{}' --maxShapes='{}'".format(*IDS), [TOKENS]),
    ('trtexec --minShapes="{}" --optShapes="{}" --maxShapes="{}"'.format(*IDS), [TOKENS]),
    ("trtexec " + BASE.replace("x:", "'x':"), [IMAGE]),
    ('trtexec "--minShapes=x:1x3x32x32" "--optShapes=x:4x3x64x64" "--maxShapes=x:8x3x96x96"',
     [IMAGE]),
    *[(f"trtexec {line}", [shapes]) for line, shapes in map(named, [
        "images", "input", "input_1", "input.1", "data", "actual_input_1", "image_arrays",
        "serving_default_input_1", "model/input", "pixel_values", "input:0", "x::y",
    ])],
    *[(f"trtexec {line}", [shapes]) for line, shapes in [
        image("1x3x640x640", "1x3x640x640", "16x3x640x640"),
        image("1x3x320x320", "4x3x640x640", "8x3x1280x1280"),
        image("1x3x224x224", "32x3x224x224", "64x3x224x224", "input"),
        image("1x1x28x28", "16x1x28x28", "64x1x28x28", "Input3"),
        image("1x16", "8x128", "32x512", "input_ids"),
        image("1x80x50", "4x80x400", "8x80x3000", "mel"),
        image("1x4x8x8", "2x4x64x64", "8x4x128x128", "sample"),
        image("1", "8", "16", "timestep"),
        image("1x3x8x112x112", "1x3x16x112x112", "4x3x64x112x112", "clip"),
        image("1x3x512x512", "1x3x1024x2048", "1x3x2048x4096"),
        image("2x3x32x32", "2x3x32x320", "2x3x32x1600", "crops"),
        image("1x512x512x3", "1x1024x1024x3", "4x2048x2048x3", "nhwc"),
    ]],
    ("trtexec --onnx=n.onnx --shapes=x:1x3x64x64", [FIXED]),
    ("trtexec --loadEngine=n.plan --shapes='x':1x3x64x64 --iterations=10", [FIXED]),
    ("trtexec --onnx=n.onnx --optShapes=x:1x3x64x64", [FIXED]),
    (f"trtexec {BASE} --shapes=x:4x3x64x64", [IMAGE]),
    ("trtexec --minShapes=x:1x3x32x32 --maxShapes=x:8x3x96x96",
     [{"x": ((1, 3, 32, 32), None, (8, 3, 96, 96))}]),
    (f"trtexec {BASE}\ntrtexec {TWO}", [IMAGE, TOKENS]),
    (f"trtexec --optShapes=x:1x3x64x64\ntrtexec {BASE}", [FIXED, IMAGE]),
    (f"trtexec --profile=0 {BASE} --profile=1 --minShapes=x:1x3x64x64 --optShapes=x:1x3x64x64 "
     "--maxShapes=x:1x3x64x64", [IMAGE, FIXED]),
    (f"B=8\ntrtexec {BASE.replace('8x3', '$B' + 'x3')}".replace("$Bx3", "${B}x3"), [IMAGE]),
    (f"MAX_BATCH=8\ntrtexec {BASE.replace('x:8x', 'x:${MAX_BATCH}x')}", [IMAGE]),
    (f"trtexec {BASE.replace('x:8x', 'x:${MAX:-8}x')}", [IMAGE]),
    (f"SIZE=96x96\nexport SIZE\ntrtexec {BASE.replace('96x96', '$SIZE')}", [IMAGE]),
    (f"NAME := x\n\ttrtexec {BASE.replace('x:', '$(NAME):')}", [IMAGE]),
    (f"set NAME=x\ntrtexec {BASE.replace('x:', '%NAME%:')}", [IMAGE]),
    (f"# trtexec --minShapes=old\ntrtexec {BASE}  # the engine", [IMAGE]),
    ("polygraphy run n.onnx --trt --trt-min-shapes x:[1,3,32,32] --trt-opt-shapes x:[4,3,64,64] "
     "--trt-max-shapes x:[8,3,96,96]", [IMAGE]),
    ("polygraphy convert n.onnx --convert-to trt -o n.plan --trt-min-shapes ids:[1,8] mask:[1,8] "
     "--trt-opt-shapes ids:[2,128] mask:[2,128] --trt-max-shapes ids:[4,512] mask:[4,512]",
     [TOKENS]),
    ("options = {'trt_profile_min_shapes': 'x:1x3x32x32', 'trt_profile_opt_shapes': "
     "'x:4x3x64x64', 'trt_profile_max_shapes': 'x:8x3x96x96'}", [IMAGE]),
    ("onnxruntime_perf_test -i 'trt_profile_min_shapes|x:1x3x32x32 trt_profile_opt_shapes|"
     "x:4x3x64x64 trt_profile_max_shapes|x:8x3x96x96'", [IMAGE]),
    ('COMMAND trtexec\n  "--minShapes=x:1x3x32x32"\n  "--optShapes=x:4x3x64x64" '
     '"--maxShapes=x:8x3x96x96")', [IMAGE]),
    ("ARG B=8\nENV SIZE 96x96\nRUN trtexec " + BASE.replace("x:8x3x96x96", "x:${B}x3x${SIZE}"),
     [IMAGE]),
    ("args:\n" + "".join(f"  - {w}\n" for w in ["trtexec", *BASE.split()]), [IMAGE]),
    ("env:\n  MAX: 8\nrun: trtexec " + BASE.replace("x:8x", "x:${{ env.MAX }}x"), [IMAGE]),
    ("minShapes: x:1x3x32x32\noptShapes: x:4x3x64x64\nmaxShapes: x:8x3x96x96", [IMAGE]),
    ("{'minShapes': 'x:1x3x32x32', 'optShapes': 'x:4x3x64x64', 'maxShapes': 'x:8x3x96x96'}",
     [IMAGE]),
    (f'SHAPES="{BASE}"\ntrtexec $SHAPES', [IMAGE]),
    (f'SHAPES=({BASE})\ntrtexec "${{SHAPES[@]}}"', [IMAGE]),
    ("B=$((4 * 2))\ntrtexec " + BASE.replace("x:8x", "x:${B}x"), [IMAGE]),
    ("trtexec " + BASE.replace("x:8x", "x:$((4 * 2))x"), [IMAGE]),
    ('B="${B:-8}"\ntrtexec ' + BASE.replace("x:8x", "x:${B}x"), [IMAGE]),
    ("B=${1:-8}\ntrtexec " + BASE.replace("x:8x", "x:${B}x"), [IMAGE]),
    ("B=8 trtexec " + BASE.replace("x:8x", "x:${B}x"), [IMAGE]),
    (f"B=8\ntrtexec {BASE.replace('x:8x', 'x:${B}x')}\nB=9\ntrtexec "
     f"{BASE.replace('x:8x', 'x:${B}x')}",
     [IMAGE, {"x": ((1, 3, 32, 32), (4, 3, 64, 64), (9, 3, 96, 96))}]),
    ("$max = 8\ntrtexec " + BASE.replace("x:8x", "x:${max}x"), [IMAGE]),
    ("set(MAX 8)\nCOMMAND trtexec " + BASE.replace("x:8x", "x:${MAX}x"), [IMAGE]),
    ("b: int = 8\nrun(f'trtexec " + BASE.replace("x:8x", "x:{b}x") + "')", [IMAGE]),
    ("cmd += ['--minShapes=x:1x3x32x32']\ncmd.append('--optShapes=x:4x3x64x64')\n"
     "cmd.append('--maxShapes=x:8x3x96x96')", [IMAGE]),
    ("trtexec --minShapes=ids:1x8, mask:1x8 --optShapes=ids:2x128, mask:2x128 "
     "--maxShapes=ids:4x512, mask:4x512", [TOKENS]),
    ("trtexec --minShapes=x:1X3X32X32 --optShapes=x:4X3X64X64 --maxShapes=x:8X3X96X96", [IMAGE]),
    ("polygraphy run n.onnx --trt --input-shapes x:[1,3,64,64]", [FIXED]),
    ("polygraphy run n.onnx --trt-min-shapes 'ids:[1, 8]' 'mask:[1, 8]' --trt-opt-shapes "
     "'ids:[2, 128]' 'mask:[2, 128]' --trt-max-shapes 'ids:[4, 512]' 'mask:[4, 512]'", [TOKENS]),
    ("o['trt_profile_min_shapes'] = 'x:1x3x32x32'\no['trt_profile_opt_shapes'] = 'x:4x3x64x64'\n"
     "o['trt_profile_max_shapes'] = 'x:8x3x96x96'", [IMAGE]),
    ('o.trt_profile_min_shapes = "x:1x3x32x32";\no.trt_profile_opt_shapes = "x:4x3x64x64";\n'
     'o.trt_profile_max_shapes = "x:8x3x96x96";', [IMAGE]),
    ('const int side = 96;\np->setDimensions("x", OptProfileSelector::kMIN, Dims4{1, 3, 32, 32});\n'
     'p->setDimensions("x", nvinfer1::OptProfileSelector::kOPT, nvinfer1::Dims{4, {4, 3, 64, 64}});'
     '\np->setDimensions("x", OptProfileSelector::kMAX, Dims4(8, 3, side, side));', [IMAGE]),
    ("trtexec --minShapes=ids:1x8 --minShapes=mask:1x8 --optShapes=ids:2x128,mask:2x128 "
     "--maxShapes=ids:4x512,mask:4x512", [TOKENS]),
    ("trtexec \\\n  --minShapes=ids:1x8,\\\nmask:1x8 \\\n  --optShapes=ids:2x128,\\\nmask:2x128 "
     "--maxShapes=ids:4x512, \\\n    mask:4x512", [TOKENS]),
    ("trtexec \\\r\n --minShapes=ids:1x8,\\\r\nmask:1x8 \\\r\n --optShapes=ids:2x128,mask:2x128"
     " \\\r\n --maxShapes=ids:4x512,mask:4x512\r\n", [TOKENS]),
    ("trtexec `# smallest` --minShapes=x:1x3x64x64 \\\n  # --optShapes=x:2x3 \\\n "
     "--optShapes=x:1x3x64x64 --maxShapes=x:1x3x64x64", [FIXED]),
    ("OPTS=--minShapes=x:1x3x32x32\nOPTS=\"$OPTS --optShapes=x:4x3x64x64\"\n"
     'OPTS+=" --maxShapes=x:8x3x96x96"\ntrtexec $OPTS', [IMAGE]),
    *[(text, [IMAGE, {"x": ((1, 3, 32, 32), (4, 3, 64, 64), (9, 3, 96, 96))}]) for text in [
        f"for B in 8 9; do\n  trtexec {BASE.replace('x:8x', 'x:${B}x')}\ndone\n",
        f'for B in "8" "9"\ndo trtexec {BASE.replace("x:8x", "x:${B}x")}; done\n',
        f'ALL=(8 9)\nfor B in "${{ALL[@]}}"; do trtexec {BASE.replace("x:8x", "x:${B}x")}; done\n',
        f'ALL="8 9"\nfor B in $ALL; do trtexec {BASE.replace("x:8x", "x:${B}x")}; done\n',
        f"\tfor b in 8 9; do \\\n\t  trtexec {BASE.replace('x:8x', 'x:$${b}x')}; \\\n\tdone\n",
        f"matrix:\n  b: [8, 9]\nrun: trtexec {BASE.replace('x:8x', 'x:${{ matrix.b }}x')}\n",
        "matrix:\n  b:\n    - 8\n    - 9\nrun: trtexec "
        + BASE.replace("x:8x", "x:${{ matrix.b }}x"),
        f"for b in [8, 9]:\n    run(f'trtexec {BASE.replace('x:8x', 'x:{b}x')}')\n",
    ]],
    ("MAX = 8\noptions = {'trt_profile_min_shapes': 'x:1x3x32x32', 'trt_profile_opt_shapes': "
     "'x:4x3x64x64', 'trt_profile_max_shapes': f'x:{MAX}x3x96x96'}", [IMAGE]),
    ("s = 96\noptions = {'minShapes': f'x:1x3x32x32', 'optShapes': F'x:4x3x64x64', 'maxShapes': "
     "f'x:8x3x{s}x{s}'}", [IMAGE]),
]  # fmt: skip


def shapes_of(profile):
    each = {}
    for t in profile.tensors:
        opts = tuple(s.opt for s in t.spans)
        low, high = tuple(s.low for s in t.spans), tuple(s.high for s in t.spans)
        each[t.name] = (low, None if None in opts else opts, high)
    return each


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_lines_in_public_shapes(line, expected):
    assert [shapes_of(p) for p in read(line + "\n", "build.sh")] == expected


def test_loops_multiply_and_only_those_whose_variables_are_used():
    text = (
        "for B in 1 2; do for S in 32 64; do for OTHER in 1 2 3; do\n"
        "  trtexec --shapes=x:${B}x3x${S}x${S} --saveEngine=$OTHER\ndone; done; done\n"
    )
    found = [tuple(s.low for s in p.tensors[0].spans) for p in read(text, "build.sh")]
    assert found == [(b, 3, s, s) for b in (1, 2) for s in (32, 64)]
    with pytest.raises(RuleFileError, match="found loops of 81 turns"):
        read(
            "".join(f"for {v} in 1 2 3; do\n" for v in "abcd")
            + "trtexec --shapes=x:${a}x${b}x${c}x${d}",
            "build.sh",
        )


def test_there_are_many():
    assert len({line for line, _ in LINES}) >= 90


@pytest.mark.parametrize(
    "text",
    ["trtexec --onnx=n.onnx", "echo shapes", "", "import torch\nx = torch.zeros(1, 3)\n",
     "python train.py --shapes=large"],
)  # fmt: skip
def test_a_file_without_shapes(text):
    assert read(text, "build.sh") == []


@pytest.mark.parametrize(
    ("text", "found", "line"),
    [
        ("trtexec \\\n --minShapes=x:1x3xAx3", "found 'x:1x3xAx3'", 2),
        ("trtexec --minShapes=x:1x3", "found no max shape of x", 1),
        ("trtexec --minShapes=x:1x3 --maxShapes=x:1x3x4", "different numbers", 1),
        ("trtexec --minShapes=x:4x3 --optShapes=x:2x3 --maxShapes=x:8x3", "found the sizes", 1),
        ("trtexec --minShapes=x:4x3 --optShapes=x:8x3 --maxShapes=x:2x3", "found the sizes", 1),
        ("\ntrtexec --minShapes=x:${B}x3 --maxShapes=x:9x3", "found the variable '${B}'", 2),
        ("H=$1\ntrtexec --minShapes=x:1x3 --maxShapes=x:9x${H}x5", "found the variable '$1'", 2),
        ("for B in $(seq 9); do\ntrtexec --minShapes=x:${B}x3", "found the variable '${B}'", 2),
        ("B=$(nproc)\ntrtexec --minShapes=x:1x3 --maxShapes=x:${B}x5", "variable '$(nproc)'", 2),
        ("trtexec --minShapes=x:1 --minShapes=x:2 --maxShapes=x:9", "the min shape of x again", 1),
        ("trtexec --minShapes=x:-1x3 --maxShapes=x:9x3", "found 'x:-1x3'", 1),
        ("\ntrtexec --minShape=x:1x3 --maxShape=x:9x3", "found --minShape", 2),
        ("trtexec -minShapes=x:1x3 -maxShapes=x:9x3", "found -minShapes", 1),
        ("trtexec --minShapes= --maxShapes=x:9x3", "found no shapes", 1),
        ("trtexec --minShapes=1x3x32x32 --maxShapes=9x3", "found '1x3x32x32'", 1),
    ],
)
def test_mistakes_have_a_line(text, found, line):
    with pytest.raises(RuleFileError) as caught:
        read(text, "build.sh")
    (mistake,) = caught.value.mistakes
    assert found in mistake.found
    assert (mistake.where.file, mistake.where.line) == ("build.sh", line)


def test_mistakes_have_the_column_of_the_option():
    with pytest.raises(RuleFileError, match=r"build.sh:3:21: found 'x:9x\?x3'"):
        read("set -e\n\ntrtexec --verbose \t --maxShapes=x:9x?x3\n", "build.sh")
    with pytest.raises(RuleFileError, match=r"build.sh:4:2: found 'm:y'"):
        read("trtexec \\\n --minShapes=x:1,\\\nm:1 \\\n --maxShapes=x:1,\\\nm:y\n", "build.sh")


def test_a_profile_has_the_line_of_its_options():
    text = f"set -e\ntrtexec \\\n  --onnx=n.onnx \\\n  {BASE}\n"
    (profile,) = read(text, "build.sh")
    assert profile.where.line == 4


@pytest.mark.timeout(20)  # minutes, if the time grows with the square of the length
@pytest.mark.parametrize("part", ["a", " ", "$((", "$(( ", "x:1x3,", "a=$a\n", "`", '"', "[", "a "])
@pytest.mark.parametrize(
    "start",
    [
        "t.sh: trtexec --minShapes=x:1x3x32x32",
        "t.py: x = ",
        't.json: {"min": ',
        't.pbtxt: name: "a" ',
    ],
)
def test_a_long_file_is_read_once(tmp_path, start, part):
    name, _, text = start.partition(": ")
    (tmp_path / name).write_text(text + part * (40_000 // len(part)) + "!")
    with pytest.raises(ArchlintError):
        read_profiles(tmp_path / name)


@pytest.mark.parametrize("shape", ["[ 1..64 , 3,32 .. , ?]", "[1 ..  64,3,32..,-1]"])
def test_spaces_in_a_shape_of_openvino(tmp_path, shape):
    (tmp_path / "reshape.py").write_text(
        f"import openvino as ov\nmodel = ov.Core().read_model('n.xml')\nmodel.reshape('{shape}')\n"
    )
    ((one,),) = (p.tensors for p in read_profiles(tmp_path / "reshape.py"))
    spans = [(s.low, s.high) for s in one.spans]
    assert spans == [(1, 64), (3, 3), (32, None), (1, None)]
