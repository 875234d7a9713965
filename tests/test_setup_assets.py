import gzip
import json
from pathlib import Path

import brotli
import pytest
from flask import Flask

from linkstar import assets
from linkstar.assets import build


@pytest.fixture
def static(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(build, "VENDOR", ())
    for name, text in {
        "css/board.css": "/* board */\n.board {\n  gap: 1px;\n}\n",
        "css/tokens.css": "@layer tokens, board;\n",
        "js/b.js": "{ second(); }\n",
        "js/a.js": "{ first(); }\n",
        "icons.svg": "<svg/>",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def built(static: Path) -> dict[str, str]:
    build.build(static)
    names: dict[str, str] = json.loads((static / "build" / "manifest.json").read_text())
    return names


def test_one_stylesheet_begins_with_the_tokens_and_one_script_is_in_order(static: Path) -> None:
    names = built(static)
    css = (static / "build" / names["app.css"]).read_text()
    assert css == "@layer tokens, board;\n.board {\ngap: 1px;\n}"
    js = (static / "build" / names["app.js"]).read_text()
    assert js.index("first") < js.index("second")


def test_every_file_lies_there_compressed_too(static: Path) -> None:
    names = built(static)
    assert {"app.css", "app.js", "icons.svg"} <= names.keys()
    for name in names.values():
        file = static / "build" / name
        assert brotli.decompress(Path(f"{file}.br").read_bytes()) == file.read_bytes()
        assert gzip.decompress(Path(f"{file}.gz").read_bytes()) == file.read_bytes()


def test_a_changed_source_gets_a_new_name_and_the_old_file_goes(static: Path) -> None:
    before = built(static)
    (static / "css" / "board.css").write_text(".board { gap: 2px }")
    after = built(static)
    assert before["app.css"] != after["app.css"]
    assert before["app.js"] == after["app.js"]
    assert not list((static / "build").glob(before["app.css"] + "*"))


def test_the_product_serves_its_own_files_for_a_year() -> None:
    app = Flask(__name__, static_folder=None)
    assets.init_app(app)
    response = app.test_client().get(build.asset("app.css"), headers={"Accept-Encoding": "br"})
    assert response.status_code == 200
    assert response.headers["Content-Encoding"] == "br"
    assert response.headers["Cache-Control"] == "max-age=31536000, public, immutable"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in response.headers
