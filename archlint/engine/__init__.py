"""From a contract to its verdict; begin with :mod:`archlint.engine.pipeline`."""
