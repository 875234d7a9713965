"""The small world that all tests share: two companies, the people in them, and what they are at work on.

It is Tuesday, 13 October 2026, 09:40 in Shanghai and Monday evening in Los Angeles.
"""

from datetime import UTC, date, datetime
from typing import Any

from argon2 import PasswordHasher
from flask import Flask, has_app_context
from sqlalchemy import update

from linkstar.extensions import db
from linkstar.models import (
    Checklist,
    Comment,
    Delivery,
    Dependency,
    Membership,
    Notification,
    Phase,
    Project,
    Stage,
    Task,
    User,
    Workspace,
)

NOW = datetime(2026, 10, 13, 1, 40, tzinfo=UTC)
PASSWORD = "from-the-first-sample"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # its cost stands in the hash itself

PEOPLE = {
    "yu": ("林晓雨", "ops@example.com", "ops"),
    "lei": ("王蕾", "legal@example.com", "legal"),
    "yue": ("周越", "pmo@example.com", "pmo"),
    "jia": ("何佳", "ads@example.com", "ads"),
    "admin": ("江宁", "admin@example.com", "admin"),
    "intern": ("唐小米", "intern@example.com", "intern"),
    "designer": ("陈思远", "design@example.com", "design"),
    "finance": ("吴敏", "finance@example.com", "finance"),
    "maya": ("Maya Brooks", "partner@example.com", "us_partner"),
    "jess": ("Jess Kim", "creator1@example.com", "creator"),
    "theo": ("Theo Ramirez", "creator2@example.com", "creator"),
    "lead": ("赵北", "lead@other.example.com", "pmo"),
}
IN_AMERICA = {"maya": "America/Los_Angeles", "jess": "America/Los_Angeles", "theo": "America/Chicago"}


def october(day: int) -> date:
    return date(2026, 10, day)


class World:
    """world.fcc is the task as it stands in the database at this moment; so are the people, projects, stages …"""

    def __init__(self, app: Flask, ids: dict[str, tuple[type, int]]) -> None:
        self._app, self._ids = app, ids

    def __getattr__(self, name: str) -> Any:
        try:
            model, record_id = self._ids[name]
        except KeyError:
            raise AttributeError(name) from None
        if has_app_context():
            return db.session.get_one(model, record_id)
        with self._app.app_context():
            record = db.session.get_one(model, record_id)
            db.session.expunge(record)
            return record


def build() -> dict[str, tuple[type, int]]:
    """Fills an empty database and returns what is called how."""
    named: dict[str, Any] = {
        "shanlan": Workspace(key="shanlan", name_zh="山岚户外", name_en="Shanlan Outdoor"),
        "beiyuan": Workspace(key="beiyuan", name_zh="北原骑行", name_en="Beiyuan Cycling"),
    }
    password_hash = CHEAP.hash(PASSWORD)
    for name, (called, email, role) in PEOPLE.items():
        named[name] = User(
            name=called,
            email=email,
            password_hash=password_hash,
            language="en" if name in IN_AMERICA else "zh",
            timezone=IN_AMERICA.get(name, "Asia/Shanghai"),
        )
        workspace = named["beiyuan" if name == "lead" else "shanlan"]
        db.session.add(Membership(workspace=workspace, user=named[name], role=role))
    db.session.flush()
    _lamp(named)
    _others(named)
    db.session.execute(update(Delivery).values(state="sent"))
    db.session.flush()
    return {name: (type(record), record.id) for name, record in named.items()}


def _project(named: dict[str, Any], name: str, workspace: str, by: str, **values: Any) -> Project:
    project = Project.create(by=named[by], workspace_id=named[workspace].id, **values)
    project.stages.extend(Stage.usual())
    db.session.flush()
    named[name] = project
    return project


def _task(named: dict[str, Any], name: str, project: str, stage: str, owner: str, zh: str, **values: Any) -> None:
    named[name] = Task.create(
        named[project], by=named[project].owner, stage=named[stage], owner=named[owner], title_zh=zh, **values
    )


def _checklist(task: Task, zh: str) -> Checklist:
    checklist = Checklist(title_zh=zh, position=0)
    task.checklists.append(checklist)
    db.session.flush()
    return checklist


def _lamp(named: dict[str, Any]) -> None:
    lamp = _project(
        named, "lamp", "shanlan", "yue", code="US-AMZ-26Q4-LAMP-003", key="LAMP", name_zh="露营灯 · 美国首发",
        name_en="Camp lantern US launch", anchor_on=date(2026, 11, 20),
    )  # fmt: skip
    for name in ("yu", "jia", "intern", "designer", "maya"):
        lamp.add_member(named[name], by=lamp.owner)
    named |= zip(("to_do", "doing", "in_review", "done"), lamp.stages, strict=True)
    for position, (name, zh, en) in enumerate(
        (("compliance", "合规准备", "Compliance"), ("content", "内容制作", "Content"), ("ads", "广告测试", "Ads test"))
    ):
        named[name] = Phase(name_zh=zh, name_en=en, position=position)
        lamp.phases.append(named[name])
    db.session.flush()

    compliance, content, ads = (named[name] for name in ("compliance", "content", "ads"))
    _task(
        named, "fcc", "lamp", "doing", "lei", "FCC检测报告终稿", title_en="Final FCC test report", phase=compliance,
        due_on=october(16), blocking=True, priority="urgent",
    )  # fmt: skip
    _task(named, "photos", "lamp", "doing", "designer", "主图拍摄", phase=content, due_on=october(15))
    _task(named, "budget", "lamp", "doing", "jia", "首批广告预算表", phase=ads, due_on=october(9))
    _task(
        named, "unboxing", "lamp", "doing", "jess", "开箱短视频", title_en="Unboxing video", phase=content,
        platform="tiktok", due_on=october(18), brief_zh="四十五秒，先灯后人。", brief_en="45 seconds, lamp first.",
    )  # fmt: skip
    _task(named, "script", "lamp", "in_review", "yu", "拍摄脚本", phase=content, due_on=october(14))
    _task(named, "sample", "lamp", "done", "intern", "寄出样品", phase=compliance, due_on=october(12))
    _task(
        named, "listing", "lamp", "to_do", "yu", "亚马逊详情页上线", title_en="Publish the Amazon listing",
        phase=content, platform="amazon", due_on=october(20),
    )  # fmt: skip
    _task(
        named, "night_hike", "lamp", "to_do", "theo", "夜徒短视频", title_en="Night hike video", phase=content,
        platform="tiktok", due_on=october(25),
    )  # fmt: skip
    _task(named, "packing", "lamp", "to_do", "intern", "包装说明书改稿")
    db.session.add(Dependency(predecessor_id=named["fcc"].id, successor_id=named["listing"].id))

    named["checklist"] = checklist = _checklist(named["fcc"], "FCC 上市前")
    named["lab_report"] = checklist.add("实验室报告原件", "The lab's report", required=True)
    named["label_photo"] = checklist.add("铭牌照片", "A photo of the label", required=True)
    named["supplier_mail"] = checklist.add("通知供应商", "Tell the supplier")
    db.session.flush()
    named["label_photo"].tick(by=named["lei"])

    unboxing = named["unboxing"]
    named["internal_comment"] = Comment.post(unboxing, "报价 300 美元以内，别让达人看到。", by=named["yu"])
    named["shared_comment"] = Comment.post(unboxing, "@Jess Kim the lamp is on its way.", by=named["yu"], shared=True)
    named["call_of_lei"] = Comment.post(named["fcc"], "@王蕾 报告什么时候到？", by=named["yu"])
    db.session.flush()
    named["notice_of_jess"] = db.session.scalars(
        db.select(Notification).where(Notification.comment_id == named["shared_comment"].id)
    ).one()


def _others(named: dict[str, Any]) -> None:
    tent = _project(
        named,
        "tent",
        "shanlan",
        "yue",
        code="US-AMZ-27Q1-TENT-001",
        key="TENT",
        name_zh="轻量帐篷",
        name_en="Light tent",
    )
    tent.add_member(named["jia"], by=tent.owner)
    named["tent_to_do"] = tent.stages[0]
    _task(named, "poles", "tent", "tent_to_do", "jia", "碳杆打样", due_on=october(21))
    named["poles_item"] = _checklist(named["poles"], "打样").add("图纸", "The drawing")

    bike = _project(named, "bike", "beiyuan", "lead", code="US-TTS-26Q4-BIKE-001", key="BIKE", name_zh="折叠车")
    named["bike_to_do"] = bike.stages[0]
    _task(named, "frame", "bike", "bike_to_do", "lead", "车架强度报告", due_on=october(19))
    named["frame_item"] = _checklist(named["frame"], "强度").add("曲线", "The curve")
    db.session.flush()
