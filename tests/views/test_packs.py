"""Packs in the browser: installing, uploading, looking at another version, taking it, removing."""

from io import BytesIO

import pytest

from linkstar import packs
from linkstar.extensions import db
from linkstar.models import InstalledPack, Template
from tests.models.test_templates import MEDICAL
from tests.pages import elements

NEWER = MEDICAL.replace('version: "1.0"', 'version: "1.1"').replace("duration: 5", "duration: 8")


def upload(browser, text, name="医疗.yaml"):
    return browser.post("/packs", {"file": (BytesIO(text.encode()), name)}, content_type="multipart/form-data")


def test_the_shipped_pack_is_installed_once(app, browse, world):
    yue = browse("yue")
    assert elements(yue.get("/packs").text, name="key", value="us")
    assert yue.post("/packs", {"key": "us"}).location == "/packs"
    assert not elements(yue.get("/packs").text, name="key", value="us")
    assert yue.post("/packs", {"key": "us"}).status_code == 422
    with app.app_context():
        assert len(db.session.scalars(db.select(Template)).all()) == 12


def test_an_uploaded_pack_is_installed_updated_and_removed(app, browse, world):
    lei = browse("lei")
    assert upload(lei, MEDICAL).status_code == 303
    assert "医疗器械包" in lei.get("/packs").text
    again = upload(lei, MEDICAL)
    assert again.status_code == 422
    with app.app_context():
        pack = db.session.scalars(db.select(InstalledPack)).one().id
    assert lei.get(f"/packs/{pack}/update").status_code == 404, "there is nothing newer"

    offered = upload(lei, NEWER)
    assert offered.location == f"/packs/{pack}/update"
    page = lei.get(offered.location, {"lang": "en"}).text
    for words in ("version 1.0", "version 1.1", "File the 510(k)", "Duration"):
        assert words in page
    with app.app_context():
        assert db.session.scalars(db.select(Template)).one().last_version == 1
    assert lei.put(f"/packs/{pack}/update").location == "/packs"
    with app.app_context():
        assert db.session.scalars(db.select(Template)).one().last_version == 2

    assert lei.delete(f"/packs/{pack}").location == "/packs"
    assert "医疗器械美国上市" not in lei.get("/templates").text
    assert lei.delete(f"/packs/{pack}").status_code == 404


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "医疗.yaml"),
        ("pack: [", "医疗.yaml"),
        ("\x00\x01PK", "医疗.yaml"),
        (MEDICAL.replace("depends_on: [classify]", "depends_on: [classified]"), "classified"),
        (MEDICAL.replace("role: design", "role: surgeon"), "surgeon"),
        (MEDICAL.replace("title_en: Classify the device, ", ""), "classify"),
        (MEDICAL.replace("depends_on: []", "depends_on: [launch]"), "medical_device_launch"),
        (MEDICAL.replace("evidence_zh: 批准函 PDF", f"evidence_zh: {'长' * 201}"), "clearance"),
        (MEDICAL.replace("key: medical_device,", f"key: {'m' * 61},", 1), "pack"),
        (MEDICAL + "#" * 1_950_000, "医疗.yaml"),
    ],
)
def test_a_faulty_file_is_422_and_nothing_is_installed(app, browse, world, text, words):
    if len(text) > 1_000_000:
        text = text.replace("duration: 2", "duration: -2")
        words = "classify"
    answer = upload(browse("yue"), text)
    assert answer.status_code == 422
    assert elements(answer.text, role="alert") and words in answer.text
    with app.app_context():
        assert not db.session.scalars(db.select(InstalledPack)).all()


def test_no_file_and_an_unknown_key(browse, world):
    yue = browse("yue")
    assert yue.post("/packs", {}).status_code == 422
    assert yue.post("/packs", {"key": "moon"}).status_code == 422
    assert yue.post("/packs", {"key": "../us"}).status_code == 422


def test_others_install_nothing(app, browse, world):
    for person, refused in (("yu", 403), ("intern", 403), ("maya", 403), ("jess", 404)):
        assert browse(person).get("/packs").status_code == refused
        assert upload(browse(person), MEDICAL).status_code == refused
    with app.app_context():
        InstalledPack.install(world.shanlan, packs.pack(), by=world.yue)
        pack = db.session.scalars(db.select(InstalledPack)).one().id
        db.session.commit()
    assert browse("yu").delete(f"/packs/{pack}").status_code == 403
    assert browse("maya").delete(f"/packs/{pack}").status_code == 404
    assert browse("lead").delete(f"/packs/{pack}").status_code == 404
