"""A project's phases and stages, changed by who may edit it."""

from linkstar.extensions import db
from linkstar.models import AuditEvent, Phase, Project, Stage
from tests.pages import elements


def names(app, model, project):
    with app.app_context():
        rows = db.select(model).where(model.project_id == project.id).order_by(model.position)
        return [row.name_zh or row.name_en for row in db.session.scalars(rows)]


def test_phases_are_added_named_ordered_and_removed(app, browse, world):
    yue, address = browse("yue"), f"/projects/{world.lamp.id}/phases"
    assert yue.post(address, {"name_zh": "", "name_en": ""}).status_code == 422
    assert yue.post(address, {"name_zh": "复盘", "name_en": "Retro"}).status_code == 303
    assert names(app, Phase, world.lamp) == ["合规准备", "内容制作", "广告测试", "复盘"]
    assert yue.post(f"{address}/{world.ads.id}", {"name_zh": "投放测试", "name_en": "Ads"}).status_code == 303
    assert yue.post(f"{address}/{world.ads.id}", {"step": "-1"}).status_code == 303
    assert names(app, Phase, world.lamp) == ["合规准备", "投放测试", "内容制作", "复盘"]
    refused = yue.post(f"{address}/{world.content.id}/removal")
    assert refused.status_code == 422 and elements(refused.text, role="alert")
    with app.app_context():
        retro = db.session.scalars(db.select(Phase.id).where(Phase.name_zh == "复盘")).one()
    assert yue.post(f"{address}/{retro}/removal").status_code == 303
    assert names(app, Phase, world.lamp) == ["合规准备", "投放测试", "内容制作"]
    with app.app_context():
        events = db.session.scalars(db.select(AuditEvent).where(AuditEvent.action == "project.edited"))
        assert [list(event.changes) for event in events] == [["phase"], ["phase"], ["phase_order"], ["phase"]]


def test_a_phase_of_another_project_is_404(browse, world):
    yue = browse("yue")
    assert yue.post(f"/projects/{world.tent.id}/phases/{world.ads.id}", {"name_zh": "偷"}).status_code == 404
    assert yue.post(f"/projects/{world.tent.id}/stages/{world.doing.id}", {"name_zh": "偷"}).status_code == 404


def test_stages_are_added_before_done_and_ordered(app, browse, world):
    yue, address = browse("yue"), f"/projects/{world.lamp.id}/stages"
    sent = {"name_zh": "待发货", "name_en": "To ship", "kind": "active", "wip_limit": "3"}
    assert yue.post(address, sent | {"wip_limit": "0"}).status_code == 422
    assert yue.post(address, sent | {"kind": "limbo"}).status_code == 422
    assert yue.post(address, sent).status_code == 303
    assert names(app, Stage, world.lamp) == ["待办", "进行中", "待审核", "待发货", "完成"]
    with app.app_context():
        ship = db.session.scalars(db.select(Stage).where(Stage.name_zh == "待发货")).one()
        assert ship.wip_limit == 3
    assert yue.post(f"{address}/{ship.id}", {"step": "-1"}).status_code == 303
    assert names(app, Stage, world.lamp) == ["待办", "进行中", "待发货", "待审核", "完成"]
    assert "待发货" in yue.get(f"/projects/{world.lamp.id}/board").text
    assert yue.post(f"{address}/{ship.id}/removal").status_code == 303
    assert names(app, Stage, world.lamp) == ["待办", "进行中", "待审核", "完成"]


def test_a_flow_begins_with_a_backlog_and_ends_with_done(app, browse, world):
    yue, address = browse("yue"), f"/projects/{world.tent.id}/stages"
    with app.app_context():
        stages = {stage.kind: stage.id for stage in db.session.get_one(Project, world.tent.id).stages}
    for where, sent in (
        (stages["backlog"], {"step": "1"}),
        (stages["done"], {"step": "-1"}),
        (stages["done"], {"name_zh": "完成", "kind": "review"}),
        (stages["backlog"], {"name_zh": "待办", "kind": "active"}),
    ):
        assert yue.post(f"{address}/{where}", sent).status_code == 422, sent
    assert yue.post(f"{address}/{stages['done']}/removal").status_code == 422
    assert names(app, Stage, world.tent) == ["待办", "进行中", "待审核", "完成"]


def test_a_stage_with_tasks_keeps_its_kind_and_stays(app, browse, world):
    yue, address = browse("yue"), f"/projects/{world.lamp.id}/stages/{world.doing.id}"
    assert yue.post(address, {"name_zh": "进行中", "kind": "review"}).status_code == 422
    assert yue.post(f"{address}/removal").status_code == 422
    assert yue.post(address, {"name_zh": "在做", "name_en": "Doing", "kind": "active"}).status_code == 303
    assert names(app, Stage, world.lamp)[1] == "在做"


def test_what_lies_in_the_trash_comes_back_into_the_backlog(app, browse, world):
    yue = browse("yue")
    assert browse("admin").post(f"/tasks/{world.script.id}/trashing").status_code == 303
    assert yue.post(f"/projects/{world.lamp.id}/stages/{world.in_review.id}/removal").status_code == 303
    assert world.script.stage_id == world.to_do.id
