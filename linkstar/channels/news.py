"""What a channel is told of a post: as words in the channel's language for people, as JSON for programs. Of a record it
takes what everybody who sees the record may know; masked fields and comments have no way in here."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import select
from werkzeug.routing import BuildError

from linkstar.channels.robots import Item, Letter
from linkstar.extensions import db
from linkstar.i18n import LANGUAGES, _, both, day, force_locale, in_language, ngettext
from linkstar.models import Approval, Channel, Emergency, Post, Project, Task, User, Workspace
from linkstar.words import OPERATION_NAMES, severity_name, trigger_name

SHOWN = 15  # things in one message; more are counted
NAMED = 5  # tasks of one change
LISTED = 100  # in a payload


def letter(channel: Channel, posts: list[Post]) -> Letter | None:
    """One message about one post or many; None where there is nothing that may be told any more."""
    with force_locale(LANGUAGES[channel.language]):
        items = [item for post in posts if (item := _item(channel, post))]
        if not items:
            return None
        if len(items) == 1:
            return Letter(items[0].heading, tuple(items), language=channel.language)
        rest = len(items) - SHOWN
        more = ngettext("and %(num)s more", "and %(num)s more", rest) if rest > 0 else ""
        heading = ngettext("%(num)s thing happened", "%(num)s things happened", len(items))
        short = tuple(Item(item.heading, item.title, item.address, item.lines[:1]) for item in items[:SHOWN])
        return Letter(heading, short, more, channel.language)


def _item(channel: Channel, post: Post) -> Item | None:
    if post.event == "test":
        line = _("If you can read this, Linkstar reaches this place.")
        return Item(_("A test from Linkstar"), channel.name, address("channels.show", channel_id=channel.id), (line,))
    if "tasks" in post.facts:
        return _item_of_many(channel, post)
    if not channel.may_tell_of(post.task, None if post.emergency else post.project):
        return None
    if post.emergency:
        return _item_of_emergency(channel, post.emergency, post.event)
    if "approval" in post.facts:
        return _item_of_approval(channel, post)
    heading = _heading(post)
    if post.task:
        return Item(heading, _titled(post.task), address("tasks.show", task_id=post.task.id), _lines_of_task(post))
    if post.project:
        return Item(heading, both(post.project, "name"), _address_of(post.project), tuple(_facts_in_words(post)))
    return Item(heading, both(_workspace(channel), "name"), address(), tuple(_facts_in_words(post)))


def _item_of_many(channel: Channel, post: Post) -> Item | None:
    tasks = seen_tasks(channel, post)
    if not tasks:
        return None
    if len(tasks) == 1:
        task = tasks[0]
        lines = (_in_project(task.project),)
        return Item(_heading(post), _titled(task), address("tasks.show", task_id=task.id), lines)
    projects = list({task.project_id: task.project for task in tasks}.values())
    place = _address_of(projects[0]) if len(projects) == 1 else address("projects.index")
    title = both(projects[0], "name") if len(projects) == 1 else both(_workspace(channel), "name")
    names = [_titled(task) for task in tasks[:NAMED]]
    rest = len(tasks) - NAMED
    names += [ngettext("and %(num)s more", "and %(num)s more", rest)] if rest > 0 else []
    return Item(MANY[post.event](len(tasks)), title, place, tuple(names))


def _item_of_emergency(channel: Channel, emergency: Emergency, event: str) -> Item:
    words = {
        "emergency.declared": _("Emergency declared"),
        "emergency.acknowledged": _("Emergency taken up"),
        "emergency.closed": _("Emergency closed"),
        "emergency.reopened": _("Emergency reopened"),
    }[event]
    if event == "emergency.closed" and emergency.withdrawn:
        words = _("False alarm")
    heading = _("[Drill] %(words)s", words=words) if emergency.drill else words
    lines = [
        _("Severity: %(severity)s", severity=severity_name(emergency.severity)),
        _("Trigger: %(trigger)s", trigger=trigger_name(emergency.trigger)),
    ]
    if emergency.about and channel.may_tell_of(None, emergency.about):
        lines.append(_in_project(emergency.about))
    if emergency.acknowledged_by and event != "emergency.declared":
        lines.append(_("Taken up by: %(name)s", name=emergency.acknowledged_by.name))
    place = address("emergencies.show", emergency_id=emergency.id)
    return Item(heading, emergency.title, place, tuple(lines))


def _item_of_approval(channel: Channel, post: Post) -> Item | None:
    """Of a request only who asks for it and who decides on it may know."""
    approval = seen_approval(channel, post)
    if approval is None:
        return None
    place = address("approvals.show", approval_id=approval.id)
    lines = [_("Asked by: %(name)s", name=approval.asked_by.name)]
    project = approval.task.project if approval.task else approval.project
    lines += [_in_project(project)] if project else []
    return Item(_heading(post), str(OPERATION_NAMES[approval.operation]), place, tuple(lines))


def _titled(task: Task) -> str:
    return _("%(code)s %(title)s", code=task.code, title=both(task, "title"))


def _in_project(project: Project) -> str:
    return _("Project: %(name)s", name=both(project, "name"))


def _lines_of_task(post: Post) -> tuple[str, ...]:
    assert post.task
    lines = [*_facts_in_words(post), _in_project(post.task.project)]
    if post.task.due_on:
        lines.append(_("Due: %(day)s", day=day(post.task.due_on)))
    return (*lines, _("Owner: %(name)s", name=post.task.owner.name))


def _facts_in_words(post: Post) -> list[str]:
    facts, lines = post.facts, []
    if what := _named(facts.get("what")):
        lines.append(what)
    if (old := _named(facts.get("from"))) and (new := _named(facts.get("to"))):
        lines.append(_("%(old)s → %(new)s", old=old, new=new))
    if post.event in ("compliance.expiring", "cutoff.near") and (on := _day(facts.get("on"))):
        lines.append(_("On: %(day)s", day=day(on)))
    if by := _person(post):
        lines.append(_("By: %(name)s", name=by.name))
    return lines


def _named(name: Any) -> str:
    if isinstance(name, dict):
        return in_language(name.get("zh"), name.get("en"))
    return name if isinstance(name, str) else ""


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None


def _person(post: Post) -> User | None:
    return db.session.get(User, post.facts["by"]) if post.facts.get("by") else None


def _heading(post: Post) -> str:
    days = post.facts.get("days")
    if isinstance(days, int) and days > 0 and post.event in COUNTED:
        return COUNTED[post.event](days)
    return HEADINGS[post.event]()


HEADINGS: dict[str, Callable[[], str]] = {
    "task.created": lambda: _("New task"),
    "task.moved": lambda: _("Task moved"),
    "task.completed": lambda: _("Task done"),
    "task.overdue": lambda: _("Overdue"),
    "task.unblocked": lambda: _("Nothing blocks it any more"),
    "gate.passed": lambda: _("Gate passed"),
    "gate.waiting": lambda: _("A gate waits"),
    "project.created": lambda: _("New project"),
    "project.idle": lambda: _("A project stands still"),
    "approval.asked": lambda: _("Somebody asks for approval"),
    "compliance.expiring": lambda: _("Something expires"),
    "cutoff.near": lambda: _("A cut-off day is near"),
    "automation.ran": lambda: _("An automation has something to tell"),
}
COUNTED: dict[str, Callable[[int], str]] = {
    "task.overdue": lambda days: ngettext("%(num)s day overdue", "%(num)s days overdue", days),
    "project.idle": lambda days: ngettext(
        "Nothing has changed for %(num)s day", "Nothing has changed for %(num)s days", days
    ),
    "compliance.expiring": lambda days: ngettext("Expires in %(num)s day", "Expires in %(num)s days", days),
    "cutoff.near": lambda days: ngettext("Cut-off in %(num)s day", "Cut-off in %(num)s days", days),
}
MANY: dict[str, Callable[[int], str]] = {
    "task.created": lambda count: ngettext("%(num)s task created", "%(num)s tasks created", count),
    "task.moved": lambda count: ngettext("%(num)s task moved", "%(num)s tasks moved", count),
    "task.completed": lambda count: ngettext("%(num)s task done", "%(num)s tasks done", count),
    "gate.passed": lambda count: ngettext("%(num)s gate passed", "%(num)s gates passed", count),
}


# for programs


def payload(channel: Channel, post: Post, *, number: str) -> dict[str, Any] | None:
    """What is true at this try, under the number of the first; of the same shape for all events. None where nothing
    may be told any more."""
    many = "tasks" in post.facts
    about = None if post.emergency else post.project
    if post.event != "test" and not many and not channel.may_tell_of(post.task, about):
        return None
    with force_locale(LANGUAGES[channel.language]):
        told: dict[str, Any] = {
            "event": post.event, "id": number, "at": post.created_at.isoformat(), "workspace": _told_of(channel),
        }  # fmt: skip
        if many:
            tasks = seen_tasks(channel, post)
            if not tasks:
                return None
            return told | {"count": len(tasks), "tasks": [told_of_task(task) for task in tasks[:LISTED]]}
        if post.facts.get("approval"):
            approval = seen_approval(channel, post)
            if approval is None:
                return None
            place = address("approvals.show", approval_id=approval.id)
            told["approval"] = {"id": approval.id, "operation": approval.operation, "url": place}
        if post.task:
            told["task"] = told_of_task(post.task)
        project = post.task.project if post.task else post.project
        if project and channel.may_tell_of(None, project):
            told["project"] = _told_of_project(project)
        if post.emergency:
            told["emergency"] = _told_of_emergency(post.emergency)
        if by := _person(post):
            told["by"] = {"id": by.id, "name": by.name}
        return told | {name: post.facts[name] for name in ("from", "to", "what", "on", "days") if name in post.facts}


def told_of_task(task: Task) -> dict[str, Any]:
    return {
        "id": task.id, "code": task.code, "title": both(task, "title"), "title_zh": task.title_zh,
        "title_en": task.title_en, "url": address("tasks.show", task_id=task.id),
        "stage": {
            "id": task.stage.id, "kind": task.stage.kind, "name_zh": task.stage.name_zh, "name_en": task.stage.name_en,
        },
        "priority": task.priority, "platform": task.platform, "start_on": _iso(task.start_on),
        "due_on": _iso(task.due_on), "completed_at": _iso(task.completed_at),
        "owner": {"id": task.owner.id, "name": task.owner.name}, "project_id": task.project_id,
    }  # fmt: skip


def _told_of_project(project: Project) -> dict[str, Any]:
    return {
        "id": project.id, "code": project.code, "name": both(project, "name"), "name_zh": project.name_zh,
        "name_en": project.name_en, "url": _address_of(project),
    }  # fmt: skip


def _told_of_emergency(emergency: Emergency) -> dict[str, Any]:
    return {
        "id": emergency.id, "title": emergency.title, "severity": emergency.severity, "drill": emergency.drill,
        "url": address("emergencies.show", emergency_id=emergency.id), "declared_at": _iso(emergency.declared_at),
        "acknowledged_at": _iso(emergency.acknowledged_at), "closed_at": _iso(emergency.closed_at),
    }  # fmt: skip


def _told_of(channel: Channel) -> dict[str, Any]:
    workspace = _workspace(channel)
    return {"id": workspace.id, "key": workspace.key, "name_zh": workspace.name_zh, "name_en": workspace.name_en}


def _iso(value: Any) -> str | None:
    return value.isoformat() if value else None


# where things are, and who may know


def seen_tasks(channel: Channel, post: Post) -> list[Task]:
    """Those of many that the channel may tell of at this moment."""
    if not channel.may_tell_of(None, None):
        return []
    return _tasks(channel, post.facts["tasks"])


def _tasks(channel: Channel, ids: Iterable[int]) -> list[Task]:
    return list(db.session.scalars(Task.visible_to(channel.owner).where(Task.id.in_(list(ids))).order_by(Task.id)))


def seen_approval(channel: Channel, post: Post) -> Approval | None:
    query = Approval.visible_to(channel.owner).where(Approval.id == post.facts["approval"])
    return db.session.scalar(query) if channel.may_tell_of(post.task, post.project) else None


def _workspace(channel: Channel) -> Workspace:
    return db.session.scalars(select(Workspace).where(Workspace.id == channel.workspace_id)).one()


def _address_of(project: Project) -> str:
    return address("projects.board.show", project_id=project.id)


def address(endpoint: str | None = None, **values: int) -> str:
    public = urlsplit(current_app.config["PUBLIC_URL"])
    pages = current_app.url_map.bind(public.netloc, url_scheme=public.scheme)
    try:
        return pages.build(endpoint, values, force_external=True) if endpoint else f"{public.geturl()}/"
    except BuildError:
        return f"{public.geturl()}/"
