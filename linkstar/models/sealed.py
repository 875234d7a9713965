import base64
import hmac

from cryptography.fernet import Fernet, InvalidToken
from flask import current_app
from sqlalchemy import Dialect, Text, TypeDecorator


def lock_for(purpose: str) -> Fernet:
    """Seals what is kept for one purpose and has to be read again; the key follows from SECRET_KEY."""
    key = hmac.digest(current_app.config["SECRET_KEY"].encode(), purpose.encode(), "sha256")
    return Fernet(base64.urlsafe_b64encode(key))


class Sealed(TypeDecorator[str]):
    """A secret that the program itself has to tell others, such as the address of a chat robot: nobody who reads the
    database alone can read it. What was sealed under another SECRET_KEY reads as nothing."""

    impl = Text
    cache_ok = True

    def __init__(self, purpose: str) -> None:
        super().__init__()
        self.purpose = purpose

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else lock_for(self.purpose).encrypt(value.encode()).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        try:
            return None if value is None else lock_for(self.purpose).decrypt(value.encode()).decode()
        except InvalidToken:
            return None
