"""Shape rules by family. Importing this package registers them all, listed explicitly."""

from archlint.ops import (
    adaptive,
    arithmetic,
    attention,
    casts,
    check,
    conv,
    dropout,
    einsum,
    factory,
    gather,
    index,
    join,
    linear,
    mask,
    matmul,
    norm,
    pieces,
    pixel,
    pointwise,
    pool,
    rearrange,
    recurrent,
    reduce,
    reshape,
    scan,
    sequence,
    view,
)

FAMILIES = (
    adaptive, arithmetic, attention, casts, check, conv, dropout, einsum, factory, gather, index, join,
    linear, mask, matmul, norm, pieces, pixel, pointwise, pool, rearrange, recurrent, reduce, reshape,
    scan, sequence, view,
)  # fmt: skip
