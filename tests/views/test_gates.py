"""Lists put up and taken down, phases that wait for others, and the pack that a passed gate leaves behind."""

import json
import zipfile
from io import BytesIO

import pytest

from linkstar import evidence_pack, packs
from linkstar.extensions import db
from linkstar.models import Checklist, GatePassage, InstalledPack, Notification, Phase, Task, library_of
from tests.pages import elements

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


@pytest.fixture
def library(app, world):
    """The workspace has taken the US pack, and the project sells electronics on Amazon."""
    with app.app_context():
        InstalledPack.install(world.shanlan, packs.pack("us"), by=world.yue)
        lamp = world.lamp
        lamp.categories, lamp.platforms = ["electronics"], ["amazon"]
        db.session.commit()
        return library_of(world.shanlan.id)


def offered(page):
    return [radio["value"] for radio in elements(page, name="key", type="radio")]


def test_a_list_of_the_pack_is_offered_by_fit_and_region_and_put_on_a_task(browse, world, library):
    yu, address = browse("yu"), f"/tasks/{world.script.id}/checklists"
    keys = offered(yu.get(f"{address}/new").text)
    assert set(keys) == set(library)
    fits = library[keys[0]]
    assert fits.applies(categories=["electronics"], platforms=["amazon"])
    california = offered(yu.get(f"{address}/new", {"region": "US-CA"}).text)
    assert california
    assert {library[key].region for key in california} == {"US-CA"}
    assert yu.post(address, {"key": "no_such_list"}).status_code == 422
    assert yu.post(address, {}).status_code == 422
    assert yu.post(address, {"key": california[0]}).status_code == 303
    page = yu.get(f"/tasks/{world.script.id}").text
    rule = library[california[0]]
    assert rule.title_zh in page
    assert rule.authority in page
    assert world.script.check_count == len(rule.items)
    assert california[0] not in offered(yu.get(f"{address}/new").text), "once is enough"


def test_a_list_of_ones_own_grows_and_goes(app, browse, world):
    yu = browse("yu")
    assert yu.post(f"/tasks/{world.script.id}/checklists", {"title": "拍摄准备"}).status_code == 303
    with app.app_context():
        own = db.session.scalars(db.select(Checklist.id).where(Checklist.title_zh == "拍摄准备")).one()
    item = {"text": "样品到位", "required": "y", "evidence_kind": "photo", "checklist_id": own}
    assert yu.post(f"/tasks/{world.script.id}/checklist-items", item).status_code == 303
    assert yu.post(f"/tasks/{world.photos.id}/checklist-items", item).status_code == 404
    assert yu.put(f"/tasks/{world.script.id}/completion", htmx=True).status_code == 422
    assert yu.post(f"/tasks/{world.photos.id}/checklists/{own}/removal").status_code == 404
    assert browse("yue").post(f"/tasks/{world.script.id}/checklists/{own}/removal").status_code == 303
    assert world.script.check_count == 0
    assert yu.put(f"/tasks/{world.script.id}/completion", htmx=True).status_code == 200


def test_a_list_on_a_stage_is_ticked_on_the_page_of_the_gates(app, browse, world):
    yu, stage = browse("yu"), f"/stages/{world.to_do.id}"
    assert yu.post(f"{stage}/checklists", {"title": "开工前"}).status_code == 303
    with app.app_context():
        own = db.session.scalars(db.select(Checklist.id).where(Checklist.stage_id == world.to_do.id)).one()
    items = f"{stage}/checklists/{own}/checklist-items"
    assert yu.post(items, {"text": ""}).status_code == 422
    assert yu.post(items, {"text": "供应商资质", "required": "y", "evidence_kind": "file"}).status_code == 303
    page = yu.get(f"/projects/{world.lamp.id}/gates").text
    (box,) = [form for form in elements(page, tag="form") if form["action"].endswith("/tick?_method=PUT")]
    ticked = yu.post(box["action"])
    assert ticked.status_code == 422
    assert elements(ticked.text, "open", tag="details"), "its form stands open"
    refused = yu.post(f"/tasks/{world.night_hike.id}/moves", {"stage_id": world.doing.id}, htmx=True)
    assert "供应商资质" in refused.text
    (give,) = elements(refused.text, tag="form", enctype="multipart/form-data")
    back = f"/tasks/{world.night_hike.id}/moves/new?stage_id={world.doing.id}"
    sent = {"file": (BytesIO(PDF), "资质.pdf"), "back": back}
    given = yu.post(give["action"], sent, content_type="multipart/form-data", htmx=True)
    assert given.status_code == 200
    assert yu.post(f"/tasks/{world.night_hike.id}/moves", {"stage_id": world.doing.id}, htmx=True).status_code == 200
    assert browse("yue").post(f"{stage}/checklists/{own}/removal").status_code == 303


def test_phases_wait_for_others_but_never_for_each_other(app, browse, world):
    yue, address = browse("yue"), f"/projects/{world.lamp.id}/gates?_method=PUT"

    def wait(phase, *awaited):
        return yue.post(address, {"phase_id": phase.id, "awaited_id": [other.id for other in awaited]}).status_code

    assert wait(world.content, world.compliance) == 303
    assert wait(world.ads, world.content, world.compliance) == 303
    assert wait(world.compliance, world.ads) == 422
    assert wait(world.compliance, world.compliance) == 422
    with app.app_context():
        assert [len(db.session.get_one(Phase, each.id).awaited) for each in (world.content, world.ads)] == [1, 2]
    assert wait(world.ads) == 303
    with app.app_context():
        assert not db.session.get_one(Phase, world.ads.id).awaited


def test_a_passed_gate_leaves_a_sealed_pack_of_who_signed_what(app, browse, world):
    yu = browse("yu")
    with app.app_context():
        item = db.session.get_one(Checklist, world.checklist.id).add("原件", "The original", required=True)
        item.evidence_kind = "file"
        db.session.commit()
        address = f"/tasks/{world.fcc.id}/checklist-items/{item.id}/evidence"
    yu.put(f"/tasks/{world.fcc.id}/checklist-items/{world.lab_report.id}/tick", htmx=True)
    file = {"file": (BytesIO(PDF), "FCC 检测报告.pdf"), "valid_until": "2027-10-01"}
    assert yu.post(address, file, content_type="multipart/form-data", htmx=True).status_code == 200
    assert yu.put(f"/tasks/{world.fcc.id}/completion", htmx=True).status_code == 200
    with app.app_context():
        passage_id = db.session.scalars(db.select(GatePassage.id)).one()
    assert f"/gate-passages/{passage_id}" in yu.get(f"/tasks/{world.fcc.id}").text
    page = yu.get(f"/gate-passages/{passage_id}").text
    assert "FCC 检测报告.pdf" in page
    assert "王蕾" in page
    answer = yu.get(f"/gate-passages/{passage_id}/archive")
    assert answer.status_code == 200
    key = evidence_pack.sealing_key(app.config["SECRET_KEY"])
    assert evidence_pack.verify(BytesIO(answer.data), key) == []
    altered = bytearray(answer.data)
    altered[altered.index(PDF) + 3] ^= 1
    assert [fault.member for fault in evidence_pack.verify(BytesIO(altered), key)] == ["files/FCC 检测报告.pdf"]
    with zipfile.ZipFile(BytesIO(answer.data)) as archive:
        assert archive.read("files/FCC 检测报告.pdf") == PDF
        manifest = json.loads(archive.read("manifest.json"))
        html = archive.read("index.html").decode()
    assert (manifest["passed_by"], manifest["task"]["code"]) == ("林晓雨", "LAMP-1")
    assert "FCC检测报告终稿" in html
    assert "Final FCC test report" in html, "both languages"
    assert elements(html, href="files/FCC%20%E6%A3%80%E6%B5%8B%E6%8A%A5%E5%91%8A.pdf")
    assert not elements(html, "src"), "nothing that is elsewhere"
    assert browse("lead").get(f"/gate-passages/{passage_id}/archive").status_code == 404


def test_who_waited_is_told_when_it_may_start_or_how_many_still_block(app, browse, world):
    with app.app_context():
        photos, night_hike = db.session.get_one(Task, world.photos.id), db.session.get_one(Task, world.night_hike.id)
        photos.blocking, night_hike.owner_id = True, world.jia.id
        night_hike.predecessors.extend([photos, db.session.get_one(Task, world.fcc.id)])
        db.session.commit()
    yu, jia = browse("yu"), browse("jia")
    assert yu.put(f"/tasks/{world.photos.id}/completion", htmx=True).status_code == 200
    with app.app_context():
        kinds = list(db.session.scalars(db.select(Notification.kind).where(Notification.user_id == world.jia.id)))
    assert kinds.count("unblocked") == 1
    assert "1 still blocks it" in jia.get("/inbox?lang=en").text
    yu.put(f"/tasks/{world.fcc.id}/checklist-items/{world.lab_report.id}/tick", htmx=True)
    yu.put(f"/tasks/{world.fcc.id}/completion", htmx=True)
    assert "nothing blocks it any more" in jia.get("/inbox?lang=en").text


def test_an_outsider_does_not_read_who_signed(app, browse, world):
    with app.app_context():
        checklist = Checklist.begin("开工前", world.to_do, by=world.yu)
        checklist.write("供应商资质", by=world.yu).tick(by=world.lei)
        db.session.commit()
    gates = f"/projects/{world.lamp.id}/gates"
    signed = "王蕾 · "
    assert signed in browse("yu").get(gates).text
    page = browse("maya").get(gates).text
    assert "供应商资质" in page and signed not in page
