"""What a person may not know is nowhere: every page, file, answer of the API and mail, for everybody in the world.

The addresses are taken from the URL map, so a new route is walked on its first day.
"""

import email
import email.policy
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import time, timedelta
from decimal import Decimal
from itertools import product

import pytest
from sqlalchemy import select

from linkstar import clock, jobs
from linkstar.extensions import db
from linkstar.models import (
    SCOPES,
    ApiToken,
    Approval,
    Attachment,
    AttachmentVersion,
    Automation,
    Baseline,
    CalendarEvent,
    Channel,
    ChecklistItem,
    Comment,
    Emergency,
    Evidence,
    GatePassage,
    InstalledPack,
    MailedLink,
    Membership,
    Partner,
    Phase,
    Project,
    SavedView,
    Stage,
    Task,
    Template,
    Upload,
    User,
    Workspace,
)
from linkstar.models.audit_event import record
from tests.world import NOW, PEOPLE

pytestmark = pytest.mark.one_database

MODELS = {
    "project_id": Project, "task_id": Task, "stage_id": Stage, "phase_id": Phase, "item_id": ChecklistItem,
    "comment_id": Comment, "attachment_id": Attachment, "evidence_id": Evidence, "passage_id": GatePassage,
    "approval_id": Approval, "template_id": Template, "pack_id": InstalledPack, "member_id": Membership,
    "user_id": User, "workspace_id": Workspace, "view_id": SavedView, "version_id": AttachmentVersion,
    "baseline_id": Baseline, "event_id": CalendarEvent, "partner_id": Partner,
    "emergency_id": Emergency, "channel_id": Channel, "hook_id": Channel, "automation_id": Automation,
}  # fmt: skip
MOST = 14  # records of a kind are asked for; those with something to hide are the newest
SEARCHED = ("/projects", "/history", "/trash", "/members", "/templates")
SECRET = {  # a canary → who may know it
    "7199350": "budget of lamp", "9177350": "budget of lamp", "8288461": "budget of tent", "6066606": "foreign",
    "Lampwerk": "suppliers of lamp", "Lampold": "suppliers of lamp", "Tentwerk": "suppliers of tent",
    "Bikewerk": "foreign", "+1 555 0177": "contact of jess", "+1 555 0188": "contact of theo",
    "zwischenuns": "inside lamp", "zeltgestaenge": "tasks of tent", "nachtgang": "task of theo", "radrahmen": "foreign",
}  # fmt: skip


@pytest.fixture
def hidden(app, world):
    """Something to hide in every field that is masked, and wherever else one wall or another stands."""
    with app.app_context():
        for name, suppliers, budget in (
            ("lamp", "Lampwerk", "7199350.25"), ("tent", "Tentwerk", "8288461.75"), ("bike", "Bikewerk", "6066606.50"),
        ):  # fmt: skip
            project = getattr(world, name)
            project.suppliers, project.budget = suppliers, Decimal(budget)
            before = "Lampold" if name == "lamp" else None
            record(
                "project.edited", by=project.owner, workspace_id=project.workspace_id, project_id=project.id,
                changes={"budget": (None, project.budget), "suppliers": (before, suppliers)},
            )  # fmt: skip
        for name, contact in (("jess", "+1 555 0177"), ("theo", "+1 555 0188")):
            person = getattr(world, name)
            person.membership_in(world.shanlan.id).write_contact(contact, by=world.yue)
        for project in (world.lamp, world.tent):
            Baseline.take(project, "v1", by=world.yue)
        day = {"kind": "own", "name_en": "Fair", "first_on": NOW.date(), "last_on": NOW.date()}
        CalendarEvent.add(world.shanlan.id, day, by=world.yue)
        hours = {"timezone": "UTC", "works_from": time(9), "works_until": time(18), "answer_days": 1}
        Partner.create(world.shanlan.id, {"name": "BayLab"} | hours, by=world.yue)
        happened = {"trigger": "ip_complaint", "severity": "s2", "title": "B0C1", "declared_by": world.yue}
        for about in (world.lamp, world.tent):  # without a playbook, whose tasks would be the newest
            db.session.add(Emergency(workspace_id=world.shanlan.id, about=about, **happened))
        told = {"kind": "create", "text": "zeltgestaenge", "choice": "project_owner", "days": None, "text_en": None}
        parts = {"name": "zeltgestaenge", "trigger": {"kind": "gate"}, "conditions": [], "actions": [told]}
        of_tent = {"conditions": [{"kind": "project", "choice": str(world.tent.id)}]}
        Automation.create(world.shanlan.id, world.tent, parts, by=world.yue)
        Automation.create(world.shanlan.id, None, parts | of_tent, by=world.yue)
        Comment.post(world.unboxing, "zwischenuns: @何佳 @王蕾 not for her", by=world.yu)
        world.poles.edit({"title_zh": "zeltgestaenge", "title_en": "zeltgestaenge"}, by=world.yue)
        world.night_hike.edit({"title_zh": "nachtgang", "title_en": "nachtgang"}, by=world.yue)
        world.frame.edit({"title_zh": "radrahmen", "title_en": "radrahmen"}, by=world.lead)
        world.tent.parent_id = world.lamp.id
        db.session.flush()
        world.unboxing.wait_for(world.poles, by=world.yue)
        db.session.add(
            Approval(
                workspace_id=world.shanlan.id, operation="budget_change", subject="budget", project=world.lamp,
                arguments={"budget": "9177350.00", "seen": "7199350.25"}, asked_by=world.yue,
                difference=[["budget", "7199350.25", "9177350.00"]],
            )
        )  # fmt: skip
        db.session.commit()


def allowed(world, person: User, secret: str) -> bool:
    if secret == "foreign":
        return person.membership_in(world.beiyuan.id) is not None
    membership = person.membership_in(world.shanlan.id)
    if membership is None:
        return False
    what, _, name = secret.rpartition(" ")
    if what in ("budget of", "suppliers of"):
        return getattr(world, name).shows(person, what.split()[0])
    if what == "contact of":
        return person.id == getattr(world, name).id or world.lamp.shows(person, "contact")
    if what == "task of":
        return membership.role != "creator" or person.id == getattr(world, name).id
    if what == "tasks of":
        return world.tent.known_to(person)
    return not membership.external and world.lamp.known_to(person)


def test_the_world_is_as_the_canaries_say(app, session, world, hidden):
    told = {
        name: {canary for canary, secret in SECRET.items() if allowed(world, getattr(world, name), secret)}
        for name in PEOPLE
    }
    assert told["jess"] == {"+1 555 0177"}
    assert told["maya"] == {"nachtgang"}
    assert told["intern"] == {"nachtgang", "zwischenuns"}
    assert told["lead"] == {"6066606", "Bikewerk", "radrahmen"}
    assert told["admin"] == set(SECRET) - told["lead"]
    assert told["yu"] == {"7199350", "9177350", "nachtgang", "zwischenuns"}


# the walk


def addresses(app) -> Iterator[tuple[str, str]]:
    """(endpoint, address) of every route that is read, with the newest records of each kind."""
    adapter = app.url_map.bind("localhost")
    with app.app_context():
        ids = {
            name: list(db.session.scalars(select(model.id).order_by(model.id.desc()).limit(MOST)))
            for name, model in MODELS.items()
        }
        ids["token"] = [link.token for link in db.session.scalars(select(MailedLink))] or ["x"]
        ids["upload_key"] = list(db.session.scalars(select(Upload.key))) or ["x"]
        ids["country"] = ["CN", "US"]
        ids["filename"] = ["favicon.svg"]
    for rule in app.url_map.iter_rules():
        if "GET" not in rule.methods:
            continue
        unknown = rule.arguments - ids.keys()
        assert not unknown, f"say in MODELS which records {unknown} of {rule.endpoint} stand for"
        names = sorted(rule.arguments)
        for values in product(*(ids[name] for name in names)):
            yield rule.endpoint, adapter.build(rule.endpoint, dict(zip(names, values, strict=True)))


def words_of(answer) -> str:
    """All that an answer says: headers, text, and what lies in an archive."""
    said = [str(answer.headers)]
    if answer.data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(answer.data)) as pack:
            said += [pack.read(name).decode(errors="replace") for name in pack.namelist()]
    else:
        said.append(answer.data.decode(errors="replace"))
    return without_commas("\n".join(said))


def without_commas(text: str) -> str:
    """7,199,350.25 and 7 199 350,25 are the same sum."""
    return re.sub(r"(?<=\d)[,\u00a0\u202f’](?=\d)", "", text)


@pytest.mark.parametrize("person", PEOPLE)
def test_nobody_comes_upon_what_is_hidden(app, browse, world, hidden, person):
    browser, seen, answered, walked = browse(person), {}, set(), set()
    with app.app_context():
        user = getattr(world, person)
        forbidden = [canary for canary, secret in SECRET.items() if not allowed(world, user, secret)]
        _row, token = ApiToken.create(
            user, user.memberships[0].workspace_id, "walk", list(SCOPES), clock.now() + timedelta(days=1), by=user
        )
        db.session.commit()
    bearer = {"Authorization": f"Bearer {token}"}
    for endpoint, address in addresses(app):
        if endpoint.startswith("api."):
            answers = [app.test_client().get(address, headers=bearer)]
        else:
            fragment = [] if endpoint in walked else [browser.get(address, htmx=True)]
            answers = [browser.get(address), *fragment]
            walked.add(endpoint)
        for answer in answers:
            assert answer.status_code < 500, address
            answered |= {endpoint} if answer.status_code == 200 else set()
            said = words_of(answer)
            for canary in SECRET:
                if canary in said:
                    seen.setdefault(canary, set()).add(address)
    sightings = {canary: sorted(seen[canary])[:5] for canary in forbidden if canary in seen}
    assert not sightings, f"{person} must not know {sightings}"
    assert "my_work.show" in answered or "briefs.index" in answered
    if person == "admin":
        known = {canary for canary, secret in SECRET.items() if secret != "foreign"} - {"9177350"}
        assert set(seen) == known, "the walk does not look where there is something to be seen"
    if person == "finance":  # who decides on the request
        assert "9177350" in seen


@pytest.mark.parametrize("person", ["intern", "lei", "maya"])
def test_searching_sorting_and_filtering_tell_nothing_either(app, browse, world, hidden, person):
    """A search for the beginning of a hidden word, and a sort by a hidden field, answer as nonsense does."""
    browser = browse(person)
    with app.app_context():
        user = getattr(world, person)
        forbidden = [canary for canary, secret in SECRET.items() if not allowed(world, user, secret)]
    pages = [*SEARCHED, *(f"/projects/{world.lamp.id}/{page}" for page in ("list", "table", "board", "history"))]

    def plain(address: str, *typed: str) -> str:
        answer = browser.get(address)
        text = re.sub(r"[\w.-]+\.[\w-]{6}\.[\w-]{27}", "", answer.text)  # tokens against forged forms
        for word in typed:
            text = text.replace(word, "")
        return f"{answer.status_code} {text}"

    for page in pages:
        for canary in forbidden:
            word = canary.strip("+")[:-1].replace(" ", "")
            nonsense = "".join(str((int(letter) + 5) % 10) if letter.isdigit() else "q" for letter in word)
            assert plain(f"{page}?q={word}", word, nonsense) == plain(f"{page}?q={nonsense}", word, nonsense), (
                page,
                canary,
            )
        for field in ("budget", "contact"):
            for argument in ("sort", "group", "filter"):
                mine, other = f"{page}?{argument}={field}", f"{page}?{argument}=qqqqq"
                assert plain(mine, field, "qqqqq") == plain(other, field, "qqqqq"), mine


def test_no_mail_says_what_its_reader_may_not_know(app, world, hidden, tmp_path):
    with app.app_context():
        for _turn in range(3):
            jobs.deliver_due()
    read = 0
    for file in (tmp_path / "mail").glob("*.eml"):
        message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        texts = [str(part.get_content()) for part in message.walk() if part.get_content_maintype() == "text"]
        said = without_commas("\n".join([str(message["Subject"]), *texts]))
        with app.app_context():
            reader = db.session.scalars(select(User).where(User.email == message["To"].addresses[0].addr_spec)).one()
            for canary, secret in SECRET.items():
                assert canary not in said or allowed(world, reader, secret), (message["To"], canary)
        read += 1
    assert read
