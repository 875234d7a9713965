from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, redirect, render_template, session, url_for
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from linkstar import clock
from linkstar.extensions import commit, db
from linkstar.forms.absence import AbsenceForm
from linkstar.i18n import _
from linkstar.models import Absence, Membership, NotAllowed, User
from linkstar.reports.people import People
from linkstar.views.shell import Shell

blueprint = Blueprint("absences", __name__, url_prefix="/absences")

MOST = 200


@blueprint.get("")
def index() -> Any:
    """One's own leave; for who keeps the workspace, everybody's."""
    mine = _membership()
    return _page(mine, AbsenceForm(formdata=None, data={"user_id": mine.user_id}).offer(_people(mine)))


@blueprint.post("")
def create() -> Any:
    mine = _membership()
    people = _people(mine)
    form = AbsenceForm(data={"user_id": mine.user_id}).offer(people)
    if not form.validate():
        return _page(mine, form), 422
    person = next(member.user for member in people if member.user_id == form.user_id.data)
    first_on = form.first_on.data
    assert first_on
    last_on = form.last_on.data or first_on
    Absence.write(mine.workspace_id, person, first_on, last_on, by=current_user, note=form.note.data)
    commit()
    session["toast"] = {"message": _("Saved"), "change": None}
    return redirect(url_for("absences.index"), 303)


@blueprint.delete("/<id:absence_id>")
def destroy(absence_id: int) -> Any:
    absence = db.session.scalar(_known(_membership()).where(Absence.id == absence_id)) or abort(404)
    absence.forget(by=current_user)
    commit()
    session["toast"] = {"message": _("Taken back"), "change": None}
    return redirect(url_for("absences.index"), 303)


def _membership() -> Membership:
    """The person in the workspace that is looked at; creators plan for themselves."""
    membership = Shell(current_user).membership or abort(404)
    if not membership.of_the_team:
        raise NotAllowed("view")
    return membership


def _known(mine: Membership) -> Any:
    """What the person may know with its note, and take back."""
    query = select(Absence).where(Absence.workspace_id == mine.workspace_id)
    return query if mine.keeps_workspace else query.where(Absence.user_id == mine.user_id)


def _people(mine: Membership) -> list[Membership]:
    """Whose leave the person may write down."""
    return [each for each in People(mine).members if each.of_the_team] if mine.keeps_workspace else [mine]


def _page(mine: Membership, form: AbsenceForm) -> str:
    query = (
        _known(mine)
        .options(joinedload(Absence.user).selectinload(User.memberships))
        .order_by(Absence.first_on.desc(), Absence.id)
        .limit(MOST)
    )
    today = clock.today(ZoneInfo(current_user.timezone))
    absences = list(db.session.scalars(query).unique())
    return render_template("absences/index.html", absences=absences, form=form, mine=mine, today=today)
