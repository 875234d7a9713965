from collections.abc import Iterable

from linkstar.forms import Form, Pick
from linkstar.i18n import _, _l, both
from linkstar.models import Project


class CalendarFeedForm(Form):
    """Which calendar another program is to read."""

    what = Pick(_l("Which calendar"))

    def offer(self, projects: Iterable[Project]) -> "CalendarFeedForm":
        self.what.offer(
            ("personal", _("My tasks and posts")),
            ("marketing", _("Marketing calendar")),
            *((f"project {project.id}", both(project, "name")) for project in projects),
        )
        return self

    @property
    def kind(self) -> str:
        return str(self.what.data).partition(" ")[0]

    @property
    def project_id(self) -> int | None:
        number = str(self.what.data).partition(" ")[2]
        return int(number) if number else None
