"""Shape rules by family. Importing this package registers them all, listed explicitly."""

from archlint.ops.rules import (
    adaptive_pool as adaptive,
)
from archlint.ops.rules import (
    arange as sequence,
)
from archlint.ops.rules import (
    assertions as check,
)
from archlint.ops.rules import (
    attention,
    boxes,
    casts,
    conv,
    conv_transpose,
    dropout,
    einsum,
    gather,
    layer_norm,
    linear,
    matmul,
    pad,
    pool,
    rearrange,
    recurrent,
    reduce,
    reshape,
    scan,
    similarity,
    softmax,
    ternary,
    vector_norm,
    view,
)
from archlint.ops.rules import (
    batch_norm as norm,
)
from archlint.ops.rules import (
    binary as arithmetic,
)
from archlint.ops.rules import (
    concat as join,
)
from archlint.ops.rules import (
    data_dependent as picked,
)
from archlint.ops.rules import (
    factories as factory,
)
from archlint.ops.rules import (
    indexing as index,
)
from archlint.ops.rules import (
    interpolate as resample,
)
from archlint.ops.rules import (
    masking as mask,
)
from archlint.ops.rules import (
    pixel_shuffle as pixel,
)
from archlint.ops.rules import (
    split as pieces,
)
from archlint.ops.rules import (
    unary as pointwise,
)
from archlint.ops.rules import (
    unfold as window,
)

FAMILIES = (
    adaptive, arithmetic, attention, boxes, casts, check, conv, conv_transpose, dropout, einsum,
    factory, gather, index, join, layer_norm, linear, mask, matmul, norm, pad, picked, pieces,
    pixel, pointwise, pool, rearrange, recurrent, reduce, resample, reshape, scan, sequence,
    similarity, softmax, ternary, vector_norm, view, window,
)  # fmt: skip
