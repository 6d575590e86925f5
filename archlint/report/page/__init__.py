"""One self-contained HTML file: what a model accepts, and why."""
