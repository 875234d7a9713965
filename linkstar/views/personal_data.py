import json
import tempfile
import zipfile
from shutil import copyfileobj
from typing import IO, Any

from flask import Blueprint, abort, redirect, render_template, send_file, session, url_for
from flask_login import current_user
from sqlalchemy import select

from linkstar import clock, evidence_pack, storage
from linkstar.extensions import commit, db, limiter, write
from linkstar.forms.erasure import ErasureForm
from linkstar.i18n import _
from linkstar.models import (
    CannotTakeOver,
    Departure,
    ErasureRefused,
    Membership,
    NotAllowed,
    PersonalData,
    User,
)
from linkstar.models.audit_event import record
from linkstar.reports.people import People
from linkstar.views.admission import open_to_creators, reads_first
from linkstar.views.workspaces import membership_inside

blueprint = Blueprint("personal_data", __name__, url_prefix="/personal-data")


@blueprint.get("")
def index() -> Any:
    """Everybody of whom the workspace keeps something, those who have left as well."""
    membership = _administrator()
    left = select(Departure).where(Departure.workspace_id == membership.workspace_id).order_by(Departure.id)
    known = People(membership).members
    here = {member.user_id for member in known}
    departures = {each.user_id: each for each in db.session.scalars(left) if each.user_id not in here}
    return render_template("personal_data/index.html", members=known, departures=departures.values())


@blueprint.get("/<id:user_id>")
@open_to_creators
def show(user_id: int) -> Any:
    """What Linkstar keeps of a person, and for administrators how to erase it."""
    data = _data_of(user_id)
    return _page(data, _form(data, formdata=None))


@blueprint.post("/<id:user_id>")
@open_to_creators
@limiter.limit("10 per hour", key_func=lambda: str(current_user.id))
@reads_first
def create(user_id: int) -> Any:
    """All of it as a ZIP: one JSON file for each kind, and the files that the person sent."""
    data = _data_of(user_id)
    if not _is_reachable(data):
        raise NotAllowed("see_creator_contacts")
    archive, workspace_id = _zipped(data), data.workspace_id
    write()
    record("person.exported", by=current_user, workspace_id=workspace_id, changes={"user_id": (user_id, user_id)})
    commit()
    name = f"linkstar-personal-data-{user_id}-{clock.now():%Y%m%d}.zip"
    return send_file(archive, "application/zip", as_attachment=True, download_name=name)


@blueprint.delete("/<id:user_id>")
def destroy(user_id: int) -> Any:
    """Erases the person; the form asks for the name, because it cannot be taken back."""
    data = _data_of(user_id)
    form = _form(data)
    if form is None:
        return _page(data, None), 422
    if not form.validate():
        return _page(data, form), 422
    successor = db.session.get(User, form.successor_id.data or 0) if "successor_id" in form else None
    try:
        data.erase(by=current_user, successor=successor)
    except CannotTakeOver:
        db.session.rollback()
        form.successor_id.errors = [_("Choose who takes over what is open.")]
        return _page(data, form), 422
    commit()
    session["toast"] = {
        "message": _("The personal data are erased. The history says so, without the name."),
        "change": None,
    }
    return redirect(url_for("personal_data.index"), 303)


def _data_of(user_id: int) -> PersonalData:
    """One's own, from all workspaces; of others only what is in the workspace that its administrator looks at. To
    anybody else it does not matter who is there."""
    if user_id == current_user.id:
        return PersonalData(current_user._get_current_object())
    return PersonalData.known_in(_administrator().workspace_id, user_id) or abort(404)


def _administrator() -> Membership:
    membership = membership_inside()
    if not membership.administers or membership.scope("view") != "all":
        raise NotAllowed("admin")
    return membership


def _is_reachable(data: PersonalData) -> bool:
    """May the reader know how the person is reached? Of creators that is masked, and so it is in their data."""
    if data.workspace_id is None:
        return True
    left = Departure.workspace_id == data.workspace_id, Departure.user_id == data.user.id
    member, people = data.user.membership_in(data.workspace_id), People(_administrator())
    return all(map(people.shows_contact, [member] if member else db.session.scalars(select(Departure).where(*left))))


def _form(data: PersonalData, **options: Any) -> ErasureForm | None:
    try:
        data.refuse_erasure(current_user)
    except ErasureRefused:
        return None
    return ErasureForm(**options).of(data)


def _page(data: PersonalData, form: ErasureForm | None) -> str:
    return render_template(
        "personal_data/show.html", data=data, person=data.user, profile=data.profile, counts=data.counts(), form=form,
        reachable=_is_reachable(data),
    )  # fmt: skip


def _zipped(data: PersonalData) -> IO[bytes]:
    archive = tempfile.SpooledTemporaryFile(max_size=4_000_000)  # noqa: SIM115
    sent = data.files()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, rows in data.sections().items():
            text = json.dumps(rows, ensure_ascii=False, indent=2)
            pack.writestr(f"{name}.json", text.encode(errors="replace"))
        for place, (_name, key) in zip(evidence_pack.places(name for name, _key in sent), sent, strict=True):
            try:
                file = storage.open(key)
            except storage.Missing:
                continue
            with file, pack.open(zipfile.ZipInfo(place, clock.now().timetuple()[:6]), "w", force_zip64=True) as copy:
                copyfileobj(file, copy, storage.CHUNK)
    archive.seek(0)
    return archive
