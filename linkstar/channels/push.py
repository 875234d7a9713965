"""Notices that a browser shows by itself: encrypted for that browser (RFC 8291), and signed by us (VAPID, RFC 8292), so
that its maker's service, which carries them, reads nothing and takes them from nobody else."""

import hmac
import json
import os
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import current_app

from linkstar import clock
from linkstar.channels import door
from linkstar.channels.bundle import Bundle
from linkstar.extensions import db, write
from linkstar.i18n import LANGUAGES, both, force_locale, ngettext
from linkstar.models import Delivery, Notification, PushSubscription
from linkstar.words import emergency_words, headline, notice_words

CURVE = ec.SECP256R1()
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of the curve's group
LONGEST = 200  # characters of a title; the services carry four kilobytes
LASTS = timedelta(days=1)  # as long a service tries to reach the browser
GONE = (403, 404, 410)  # the browser has forgotten it, or knows us by another key
NEVER = ("scheme", "credentials", "port", "address")  # what the door lets nobody through


@dataclass(frozen=True)
class Push:
    """What is to be shown, and the browsers of its reader."""

    key: str  # a repeated try takes the place of the one before
    urgency: str
    content: bytes
    browsers: list[tuple[str, str, str]]  # address, public key, secret


def compose(delivery: Delivery, *notices: Notification) -> Push | None:
    """Of these notices, or of the delivery's own."""
    notice = notices[0] if notices else delivery.notification
    assert notice, "only notices are pushed"
    browsers = [(each.endpoint, each.public_key, each.auth) for each in PushSubscription.of(notice.user)]
    if not browsers:
        return None
    pages = current_app.url_map.bind("")
    with force_locale(LANGUAGES[notice.user.language]):
        title, body, (endpoint, values) = _words(*(notices or (notice,)))
        said = {
            "title": title[:LONGEST],
            "body": body[:LONGEST],
            "address": pages.build(endpoint, values),
            "key": delivery.idempotency_key,
            "lang": notice.user.language,
        }
    urgency = "high" if notice.urgent else "normal"
    return Push(delivery.idempotency_key, urgency, json.dumps(said, ensure_ascii=False).encode(), browsers)


def _words(*notices: Notification) -> tuple[str, str, tuple[str, dict[str, Any]]]:
    """What is shown, in big and in small, and the page that it leads to."""
    if len(notices) > 1:
        first = Bundle.of(notices).notices[0]
        count = ngettext("%(num)s thing needs you today", "%(num)s things need you today", len(notices))
        return count, notice_words(first), ("notifications.index", {"show": "unread"})
    (notice,) = notices
    project = notice.project or (notice.task.project if notice.task else None)
    name = both(project, "name") if project and project.known_to(notice.user) else emergency_words(notice.emergency)
    return headline(notice), name, notice.place


def send(push: Push) -> None:
    """To each browser; those that are gone are forgotten. Raises where one could not be reached: all are tried again,
    and show it in the place of what they show already."""
    trouble: Exception | None = None
    for address, public_key, secret in push.browsers:
        try:
            if _post(address, public_key, secret, push) in GONE:
                _forget(address)
        except (door.Closed, OSError) as error:
            if isinstance(error, door.Closed) and error.code in NEVER:
                _forget(address)
            else:
                trouble = error
    if trouble:
        raise trouble


def _post(address: str, public_key: str, secret: str, push: Push) -> int:
    content = encrypt(push.content, decoded(public_key), decoded(secret))
    headers = {
        "Authorization": _authorization(address),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(int(LASTS.total_seconds())),
        "Urgency": push.urgency,
        "Topic": push.key,
    }
    status = door.post(address, content=content, headers=headers).status
    if status >= 400 and status not in GONE:
        raise OSError(f"the push service answered {status}")
    return status


def _forget(address: str) -> None:
    write()
    PushSubscription.forget(address)
    db.session.commit()


# how it is written


def encrypt(
    content: bytes,
    public_key: bytes,
    secret: bytes,
    *,
    salt: bytes | None = None,
    ours: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """One record for a browser's key, by RFC 8291; with a key and a salt of its own, but in tests."""
    salt, ours = salt or os.urandom(16), ours or ec.generate_private_key(CURVE)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, public_key)
    mine = _point(ours.public_key())
    shared = _derived(secret, b"WebPush: info\0" + public_key + mine, ours.exchange(ec.ECDH(), theirs), 32)
    key = _derived(salt, b"Content-Encoding: aes128gcm\0", shared, 16)
    nonce = _derived(salt, b"Content-Encoding: nonce\0", shared, 12)
    record = AESGCM(key).encrypt(nonce, content + b"\2", None)
    return salt + struct.pack("!IB", 4096, len(mine)) + mine + record


def public_key() -> str:
    """What a browser is told that it may take notices from."""
    return _encoded(_point(_key().public_key()))


def is_browser_key(public_key: str, secret: str) -> bool:
    with suppress(ValueError):
        ec.EllipticCurvePublicKey.from_encoded_point(CURVE, decoded(public_key))
        return len(decoded(secret)) == 16
    return False


def _authorization(address: str) -> str:
    """Says to the service who sends, for this service alone and half a day."""
    place = urlsplit(address)
    claims = {
        "aud": f"{place.scheme}://{place.netloc}",
        "exp": int((clock.now() + timedelta(hours=12)).timestamp()),
        "sub": current_app.config["PUBLIC_URL"],
    }
    text = ".".join(_encoded(json.dumps(each).encode()) for each in ({"typ": "JWT", "alg": "ES256"}, claims))
    r, s = decode_dss_signature(_key().sign(text.encode(), ec.ECDSA(SHA256())))
    return f"vapid t={text}.{_encoded(r.to_bytes(32) + s.to_bytes(32))}, k={public_key()}"


def _key() -> ec.EllipticCurvePrivateKey:
    """Follows from SECRET_KEY; with another one, the browsers have to be asked again."""
    seed = hmac.digest(current_app.config["SECRET_KEY"].encode(), b"web push", "sha512")
    return ec.derive_private_key(int.from_bytes(seed) % (ORDER - 1) + 1, CURVE)


def _derived(salt: bytes, info: bytes, secret: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _encoded(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
