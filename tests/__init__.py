"""One folder a room of archlint; whole commands are in ``end_to_end``."""

from pathlib import Path

REPO = Path(__file__).parents[1]
