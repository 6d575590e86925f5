"""``python -m archlint``."""

from archlint.cli.app import main

main()
