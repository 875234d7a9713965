"""Who is slowed down at the doors: an address, and an account at an address. Never an account everywhere, so that
nobody can be locked out by somebody else's wrong tries."""

from ipaddress import IPv6Address, ip_address
from typing import Any

from flask import request
from flask_login import current_user


def address() -> str:
    """Whoever has one IPv6 address has 2⁶⁴ of them."""
    text = request.remote_addr or ""
    try:
        found = ip_address(text)
    except ValueError:
        return text
    if isinstance(found, IPv6Address) and not found.ipv4_mapped:
        return str(IPv6Address(int(found) >> 64 << 64))
    return text


def account_and_address() -> str:
    return f"{request.form.get('email', '').strip().lower()[:254]} {address()}"


def person_and_address() -> str:
    return f"{current_user.get_id() and current_user.id} {address()}"


def refused(response: Any) -> bool:
    return bool(response.status_code == 422)
