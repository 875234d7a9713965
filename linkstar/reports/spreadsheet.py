"""Lines for a spreadsheet."""

import csv
import io

FORMULA = ("=", "+", "-", "@", "\t", "\r")
BEGINNING = "\ufeff"  # so that a spreadsheet reads Chinese as such


def line(*cells: str) -> str:
    """In which no cell begins a formula."""
    text = io.StringIO()
    csv.writer(text).writerow(f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells)
    return text.getvalue()
