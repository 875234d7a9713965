from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from wtforms import StringField
from wtforms.validators import InputRequired

from linkstar.forms import Pick, Text, number, stripped
from linkstar.forms.publication import PublicationForm
from linkstar.i18n import NATIVE_NAMES, _, _l, both, language
from linkstar.models import Project, User


class PostForm(PublicationForm):
    """A task of content that is made with the moment at which it goes online."""

    project_id = Pick(_l("Project"), coerce=number, validators=[InputRequired(_l("Choose a project."))])
    owner_id = Pick(_l("Owner"), coerce=number)
    title_zh = StringField(_l("Title in Chinese"), [Text(200)], filters=[stripped])
    title_en = StringField(_l("Title in English"), [Text(200)], filters=[stripped])

    def offer_in(self, projects: list[Project], reader: User) -> "PostForm":
        """The projects, and the people of the one that is chosen; the reader may always take it."""
        self.offer()
        first = [("", _("Choose a project"))] if len(projects) > 1 else []
        self.project_id.offer(*first, *((each.id, both(each, "name")) for each in projects))
        chosen = next((each for each in projects if each.id == self.project_id.data), None)
        people = {person.id: person.name for person in (chosen.people_for(reader) if chosen else [])}
        self.owner_id.offer(*({reader.id: reader.name} | people).items())
        return self

    def validate(self, extra_validators: Any = None) -> bool:
        passed = super().validate(extra_validators)
        if not self.title_zh.data and not self.title_en.data:
            self.title_zh.errors = [*self.title_zh.errors, _("Write a title in one of the two languages.")]
            passed = False
        return passed

    def values(self) -> dict[str, Any]:
        """It is written first in the language of the page, or in the one that alone has a title."""
        titles = {"title_zh": self.title_zh.data, "title_en": self.title_en.data}
        written = next(each for each in (language(), *NATIVE_NAMES) if titles[f"title_{each}"])
        return super().values() | titles | {"source_language": written}

    def due_where(self, owner: User) -> date:
        """The work is due on the day on which the audience sees it; where the owner's day is still the one before, on
        that, for on the next it would be late."""
        assert self.moment and self.day.data
        return min(self.day.data, self.moment.astimezone(ZoneInfo(owner.timezone)).date())
