"""Boards of a given size: rows as the models would make them, inserted in bulk, the same at every run."""

from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy import insert

from linkstar import clock, models, packs
from linkstar.extensions import Base, db
from linkstar.models.audit_event import new_change, record_rows
from linkstar.models.task.movable import GAP

EMAIL, PASSWORD = "ops@example.com", "linkstar-bench"
PEOPLE = {"ops": "林晓雨", "legal": "王蕾", "pmo": "周越", "ads": "陈子昂", "design": "赵敏", "creator": "Maya Brooks"}
PRODUCTS = (("露营灯", "Camping lamp"), ("折叠炉", "Folding stove"), ("保温杯", "Mug"), ("儿童背包", "Kids' backpack"))
SAID = ("供应商说周五前给到，我先按旧版往下走，有变化再同步。", "The lab asks for two more samples; sent today.")


def people() -> list[models.User]:
    """One workspace's people; the first one signs in."""
    workspace = models.Workspace(key="bench", name_zh="山岚户外", name_en="Shanlan Outdoor")
    users = [models.User(email=f"{role}@example.com", name=name) for role, name in PEOPLE.items()]
    users[0].set_password(PASSWORD)
    db.session.add_all(
        models.Membership(workspace=workspace, user=u, role=r) for u, r in zip(users, PEOPLE, strict=True)
    )
    db.session.flush()
    return users


def board(size: int, users: list[models.User]) -> models.Project:
    """A third of the cards with a checklist and comments, a tenth held back by another card, a quarter done."""
    by, team, now = users[0], users[:-1], clock.now()
    project = models.Project.create(
        by=by, workspace_id=by.memberships[0].workspace_id, code=f"US-{size}", key=f"B{size}",
        name_zh=f"{size}张卡片的新品上市", name_en=f"A launch of {size} cards", revision=size, last_number=size,
    )  # fmt: skip
    project.members.extend(models.ProjectMember(user=user) for user in team[1:])
    project.stages.extend(models.Stage.usual())
    db.session.flush()
    here = {"workspace_id": project.workspace_id, "project_id": project.id}
    created = here | {"action": "task.created", "actor_id": by.id, "changes": {}, "task_version": 1}
    ids = _put(models.Task, [here | task for task in _tasks(project, users)])
    record_rows(created | {"task_id": task, "change": new_change()} for task in ids)
    _put(models.Comment, [{"task_id": task, "author_id": by.id, "body": body} for task in ids[::3] for body in SAID])
    lists = _put(models.Checklist, [{"task_id": task} for task in ids[::3]])
    ticked, unticked = {"ticked_at": now, "ticked_by_id": by.id}, {"ticked_at": None, "ticked_by_id": None}
    for at, (zh, en) in enumerate(PRODUCTS):
        item = {"text_zh": zh, "text_en": en, "position": at, **(ticked if at < 2 else unticked)}
        _put(models.ChecklistItem, [item | {"checklist_id": checklist} for checklist in lists])
    _put(models.Dependency, [{"predecessor_id": ids[at], "successor_id": ids[at + 2]} for at in range(3, size, 10)])
    return project


def _put(model: type[Base], rows: list[dict[str, Any]]) -> list[int]:
    """Inserts the rows and returns their keys in the same order."""
    key = next(iter(model.__table__.primary_key))
    return list(db.session.scalars(insert(model).returning(key, sort_by_parameter_order=True), rows))


def _tasks(project: models.Project, users: list[models.User]) -> list[dict[str, Any]]:
    size, now = project.last_number, clock.now()
    dice = Random(size)
    templates = packs.read(packs.TEMPLATES)["templates"]
    work = [task for template in templates for phase in template["phases"] for task in phase["tasks"]]
    tasks = []
    for number, task in enumerate(dice.choices(work, k=size), 1):
        (zh, en), stage, talked = dice.choice(PRODUCTS), project.stages[number % 4], number % 3 == 1
        done = stage.kind == "done"
        tasks.append({
            "number": number, "position": number * GAP, "revision": number,
            "title_zh": f"{zh}：{task['title_zh']}", "title_en": f"{en}: {task['title_en']}",
            "stage_id": stage.id, "owner_id": dice.choice(users).id, "author_id": users[0].id,
            "priority": dice.choice(models.PRIORITIES), "platform": dice.choice((None, *models.PLATFORMS)),
            "due_on": now.date() + timedelta(days=(days := dice.randint(-20, 60))),
            "late_from": now + timedelta(days=days + 1), "blocking": number % 10 == 4,
            "check_count": 4 * talked, "checked_count": 2 * talked, "comment_count": 2 * talked,
            "completed_at": now if done else None, "completed_by_id": users[0].id if done else None,
        })  # fmt: skip
    return tasks
