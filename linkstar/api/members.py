from typing import Any

from flask import Blueprint
from flask_login import current_user
from marshmallow import fields, post_dump

from linkstar.api.operation import operation
from linkstar.api.paging import Page, PageQuery, page_of
from linkstar.api.values import Answer, Asked, Id, Word
from linkstar.extensions import LARGEST_ID
from linkstar.i18n import NATIVE_NAMES, _l
from linkstar.models import ROLES, Membership, NotAllowed
from linkstar.reports.people import People
from linkstar.views import access

blueprint = Blueprint("members", __name__)


class MemberAnswer(Answer):
    """How a creator is reached is told to who may know it only."""

    OPTIONAL = ("email",)

    id = Id(attribute="user_id")
    name = fields.String(attribute="user.name")
    email = fields.String(attribute="user.email")
    role = Word(ROLES)
    language = Word(NATIVE_NAMES, attribute="user.language")
    timezone = fields.String(attribute="user.timezone")
    contact = fields.String(allow_none=True)

    @post_dump(pass_original=True)
    def mask(self, data: dict[str, Any], record: "Member", **more: Any) -> dict[str, Any]:
        kept = {"email": record.is_reachable, "contact": record.is_known}
        return {name: value for name, value in data.items() if kept.get(name, True)}


class MemberQuery(PageQuery):
    project = Asked(1, LARGEST_ID)


class Member:
    def __init__(self, membership: Membership, people: People) -> None:
        self.membership, self.id = membership, membership.user_id
        self.is_reachable, self.is_known = people.shows_contact(membership), people.knows_contact(membership)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.membership, name)


@blueprint.get("/members")
@operation("people:read", _l("The people of the workspace"), answer=MemberAnswer, many=True, query=MemberQuery)
def index(asked: dict[str, Any]) -> Page:
    members = _members()
    if "project" in asked:
        joined = {member.user_id for member in access.get_project(asked["project"]).members}
        members = [member for member in members if member.id in joined]
    return page_of(members, asked)


def _members() -> list[Member]:
    membership = current_user.memberships[0]
    if membership.external:
        raise NotAllowed("view")
    people = People(membership)
    return [Member(each, people) for each in people.members]
