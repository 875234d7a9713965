from dataclasses import dataclass
from typing import Self

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from linkstar.extensions import db
from linkstar.models.preference import TOPICS, Preference
from linkstar.models.user import User

# everything but emergencies: whoever a mail was passed on to must not be able to switch those off
OF_ONE_CLICK = (*(topic for topic in TOPICS if topic != "emergency"), "digest")


@dataclass(frozen=True)
class Unsubscription:
    """A person wants no more mails of a topic, or no more digests; said by the link in such a mail, which somebody
    follows without signing in. It does nothing else, so it needs no end."""

    user: User
    topic: str  # or digest

    @property
    def token(self) -> str:
        return _signer().dumps([self.user.id, self.topic])

    @classmethod
    def bearing(cls, token: str) -> Self | None:
        try:
            user_id, topic = _signer().loads(token)
        except BadSignature:
            return None
        user = db.session.get(User, user_id)
        return cls(user, topic) if user and not user.erased_at and topic in OF_ONE_CLICK else None

    @property
    def holds(self) -> bool:
        if self.topic == "digest":
            return self.user.digest == "off"
        return Preference.of(self.user, self.topic).mail == "off"

    def run(self) -> None:
        if self.topic == "digest":
            self.user.digest = "off"
        else:
            Preference.choose(self.user, self.topic, mail="off")

    def take_back(self) -> None:
        """As it is usual, or at once where it is usual to get no such mail."""
        if not self.holds:
            return
        if self.topic == "digest":
            self.user.digest = "daily"
        else:
            usual = Preference.usual_mail(self.user, self.topic)
            Preference.choose(self.user, self.topic, mail="now" if usual == "off" else usual)


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="unsubscription")
