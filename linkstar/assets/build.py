"""Makes static/build from static/: one stylesheet, one script, each file named by its hash.

A program of its own, so that it needs neither Flask nor the application.
"""

import gzip
import hashlib
import json
import re
import shutil
from functools import cache
from pathlib import Path

import brotli

PACKAGES = Path(__file__).parent / "node_modules"
VENDOR = (
    "htmx.org/dist/htmx.min.js",
    "sortablejs/Sortable.min.js",
    "tus-js-client/dist/tus.min.js",
    "axe-core/axe.min.js",
)
STATIC = Path(__file__).parents[2] / "static"


@cache
def _names() -> dict[str, str]:
    names: dict[str, str] = json.loads((STATIC / "build" / "manifest.json").read_text("utf-8"))
    return names


def asset(name: str) -> str:
    """The address of a file of static/ or static/vendor/, or of app.css or app.js."""
    return f"/static/build/{_names()[name]}"


def build(static: Path) -> None:
    copy_vendor(static / "vendor")
    target = static / "build"
    target.mkdir(parents=True, exist_ok=True)
    names = {name: write_hashed(target, name, content) for name, content in contents(static).items()}
    for path in target.iterdir():
        if path.name.removesuffix(".br").removesuffix(".gz") not in names.values():
            path.unlink()
    (target / "manifest.json").write_text(json.dumps(names, indent=1))


def copy_vendor(target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for source in filter(Path.exists, (PACKAGES / name for name in VENDOR)):
        shutil.copyfile(source, target / source.name)


def contents(static: Path) -> dict[str, bytes]:
    css = sorted((static / "css").glob("*.css"), key=lambda path: (path.name != "tokens.css", path.name))
    single = (*static.glob("*.*"), *(static / "vendor").glob("*.js"))
    files = {path.name: path.read_bytes() for path in single}
    return files | {
        "app.css": slim("\n".join(path.read_text("utf-8") for path in css)).encode(),
        "app.js": b"\n".join(path.read_bytes() for path in sorted((static / "js").glob("*.js"))),
    }


def slim(css: str) -> str:
    without_comments = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    return "\n".join(line.strip() for line in without_comments.splitlines() if line.strip())


def write_hashed(target: Path, name: str, content: bytes) -> str:
    """A file that is there already is right, because its name says what is in it."""
    path = target / Path(name).with_suffix(f".{hashlib.sha256(content).hexdigest()[:8]}{Path(name).suffix}")
    if not path.exists():
        path.with_name(path.name + ".br").write_bytes(brotli.compress(content))
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(content, mtime=0))
        path.write_bytes(content)
    return path.name


if __name__ == "__main__":
    build(STATIC)
