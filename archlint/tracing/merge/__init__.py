"""Paths that part and rejoin inside one module, merged into one."""
