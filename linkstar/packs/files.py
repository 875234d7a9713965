"""The files of the shipped packs."""

from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
LARGEST = 2 * 2**20  # bytes of an uploaded file


@cache
def read(file: Path) -> Any:
    """What one of our files holds; a relative path is one inside this folder."""
    from linkstar.packs import yaml_text

    return yaml_text.load((FOLDER / file).read_bytes(), str(file))
