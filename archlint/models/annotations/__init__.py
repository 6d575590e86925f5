"""The shapes that jaxtyping annotations of ``forward`` state; jaxtyping need not be installed."""
