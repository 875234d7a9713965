from collections.abc import Iterable
from datetime import time
from typing import Any

from wtforms import BooleanField, TimeField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from linkstar.forms import Form, Pick
from linkstar.i18n import _l
from linkstar.models import MAILS, TOPICS, Preference, User
from linkstar.models.preference import INSIDE_ONLY
from linkstar.words import DIGEST_NAMES, MAIL_NAMES, TOPIC_NAMES, WEEKDAY_NAMES

DIGESTS = tuple(DIGEST_NAMES)
HOURS = [time(hour) for hour in range(24)]


def _choices(pairs: Iterable[tuple[Any, Any]]) -> list[SelectChoice]:
    return [SelectChoice(str(value), words) for value, words in pairs]


class NotificationPreferenceForm(Form):
    """How somebody wants to hear of each topic, and when. The quiet hours are off where both ends are the same."""

    quiet_from = TimeField(_l("Quiet hours start"), [InputRequired()])
    quiet_until = TimeField(_l("Quiet hours end"), [InputRequired()])
    digest = Pick(_l("Send the digest"), choices=_choices(DIGEST_NAMES.items()))
    digest_weekday = Pick(_l("Day of the week"), coerce=int, choices=_choices(enumerate(WEEKDAY_NAMES)))
    digest_at = Pick(
        _l("Time of day"),
        coerce=lambda text: time.fromisoformat(str(text)),
        choices=_choices((hour, f"{hour:%H:%M}") for hour in HOURS),
    )

    @classmethod
    def of(cls, user: User) -> "NotificationPreferenceForm":
        names = ("quiet_from", "quiet_until", "digest", "digest_weekday", "digest_at")
        values: dict[str, Any] = {name: getattr(user, name) for name in names}
        for topic, each in Preference.all_of(user).items():
            values |= {f"mail_{topic}": each.mail, f"push_{topic}": each.push}
        return cls(formdata=None, data=values).offer(user)

    def offer(self, user: User) -> "NotificationPreferenceForm":
        """Without what the person is never told, being from outside everywhere."""
        if all(each.external for each in user.memberships):
            for topic in INSIDE_ONLY:
                del self[f"mail_{topic}"], self[f"push_{topic}"]
        return self

    @property
    def rows(self) -> list[tuple[str, Any, Any]]:
        """Each topic with its two fields."""
        return [(topic, self[f"mail_{topic}"], self[f"push_{topic}"]) for topic in TOPICS if f"mail_{topic}" in self]

    def write(self, user: User) -> None:
        for name in ("quiet_from", "quiet_until", "digest", "digest_weekday", "digest_at"):
            setattr(user, name, self[name].data)
        for topic, mail, push in self.rows:
            Preference.choose(user, topic, mail=mail.data, push=push.data if user.pushes else None)


for _topic in TOPICS:
    _mail = Pick(TOPIC_NAMES[_topic], choices=_choices((key, MAIL_NAMES[key]) for key in MAILS))
    setattr(NotificationPreferenceForm, f"mail_{_topic}", _mail)
    setattr(NotificationPreferenceForm, f"push_{_topic}", BooleanField(TOPIC_NAMES[_topic]))
