"""The shape rule of ``torch.ops.acme.blocks``, which PyTorch itself knows nothing of."""

from archlint.extend import hookimpl


@hookimpl
def archlint_register_rules():
    import acme_blocks  # noqa: F401  (it registers the operator)
    import torch

    from archlint.extend import eq, shape_rule

    @shape_rule(torch.ops.acme.blocks, torch.ops.acme.blocks.default)
    def blocks(path, input, size):
        n, c, h, w = input.dims
        path.claim(eq(h % size, 0), "height {} divisible by size {}", h, size)
        path.claim(eq(w % size, 0), "width {} divisible by size {}", w, size)
        return input.like((n, c * size * size, h // size, w // size))
