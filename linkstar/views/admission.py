"""At the door of every request: who is it, does it write, and which headers its answer carries."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, redirect, request, session, url_for
from flask_login import current_user
from werkzeug.middleware.proxy_fix import ProxyFix

from linkstar import clock
from linkstar.extensions import login_manager, read_only
from linkstar.i18n import remember_language
from linkstar.models import SignIn, User

log = logging.getLogger("linkstar")

View = TypeVar("View", bound=Callable[..., Any])

SEEN_AGAIN = timedelta(minutes=5).total_seconds()  # a cookie is not written anew for every request
PROBES = frozenset({"health.alive", "health.ready", "metrics.show"})  # what watches over us calls us by any name
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self'",
        "connect-src 'self'", "manifest-src 'self'", "form-action 'self'", "base-uri 'none'",
        "frame-ancestors 'none'", "object-src 'none'",
    )
)  # fmt: skip


class MethodInAddress:
    """?_method=PUT on a POST, so that a plain form can do what htmx does. The CSRF token is asked for all the same."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ["REQUEST_METHOD"] == "POST":
            for method in ("PUT", "DELETE"):
                if environ.get("QUERY_STRING") == f"_method={method}":
                    environ["REQUEST_METHOD"] = method
        return self.app(environ, start_response)


def public(view: View) -> View:
    """Marks a view that nobody has to sign in for. All others are closed."""
    view.public = True  # type: ignore[attr-defined]
    return view


def open_to_creators(view: View) -> View:
    """Marks a view that is there for people who only create as well. For them all others do not exist."""
    view.open_to_creators = True  # type: ignore[attr-defined]
    return view


def before_second_factor(view: View) -> View:
    """Marks a view that is there for people who still have to set up the second factor which their role asks for."""
    view.before_second_factor = True  # type: ignore[attr-defined]
    return view


def reads_first(view: View) -> View:
    """Marks a view that changes something only after long work (a password is judged, a file drawn or packed). It
    says write() when that is done; until then nobody waits for it."""
    view.reads_first = True  # type: ignore[attr-defined]
    return view


def polled(view: View) -> View:
    """Marks a view that an open page asks by itself, again and again: asked through htmx it is nobody's use, and
    whoever has gone away is signed out all the same."""
    view.polled = True  # type: ignore[attr-defined]
    return view


def init_app(app: Flask) -> None:
    app.url_value_preprocessor(_only_read)  # before the first look at the database, which asks who it is
    app.before_request(_admit)
    app.after_request(_add_headers)
    login_manager.user_loader(_load_user)
    login_manager.unauthorized_handler(send_to_sign_in)
    login_manager.session_protection = None
    app.wsgi_app = MethodInAddress(app.wsgi_app)  # type: ignore[method-assign]
    if app.config["TRUSTED_PROXIES"]:
        hops = app.config["TRUSTED_PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]


def _load_user(token: str) -> User | None:
    user = None if lies_unused() else SignIn.user_of(token)
    return user.signed_in_with(token) if user else None


def lies_unused() -> bool:
    """When a sign-in was used last stands in its cookie, which is signed: reading a page writes into no table."""
    lasts = SignIn.LASTS_UNUSED if session.permanent else SignIn.LASTS_UNUSED_UNREMEMBERED
    now = clock.now().timestamp()
    return now - float(session.get("seen", now)) > lasts.total_seconds()


def _note_use() -> None:
    now = clock.now().timestamp()
    if now - session.get("seen", 0) > SEEN_AGAIN:
        session["seen"] = now


def _only_read(endpoint: str | None, values: dict[str, Any] | None) -> None:
    view = current_app.view_functions.get(endpoint or "")
    if request.method in SAFE or getattr(view, "reads_first", False):
        read_only()


def _is_our_host(host: str) -> bool:
    """The one that people know us by; at a developer's desk any address of the machine too, but no name that somebody
    else may let lead here."""
    with suppress(ValueError):
        name = urlsplit(f"//{host}").hostname or ""
        if name == urlsplit(current_app.config["PUBLIC_URL"]).hostname:
            return True
        return current_app.config["MODE"] == "development" and (name == "localhost" or bool(ip_address(name)))
    return False


def _admit() -> Any:
    if not _is_our_host(request.host) and request.endpoint not in PROBES:
        log.warning("a request for the host %r was refused; PUBLIC_URL names another one", request.host[:100])
        abort(400)
    remember_language()
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or getattr(view, "public", False):
        return None
    if not current_user.is_authenticated:
        return send_to_sign_in()
    if not (request.htmx and getattr(view, "polled", False)):  # type: ignore[attr-defined]
        _note_use()
    if current_user.lacks_second_factor:
        allowed = getattr(view, "before_second_factor", False)
        return None if allowed else _lead(url_for("accounts.second_factor.show"))
    if current_user.only_creates and not getattr(view, "open_to_creators", False):
        abort(404)
    return None


def send_to_sign_in() -> Any:
    """To sign-in and back again; an htmx request leaves the page, so that no form lands in a card."""
    came_from = request.htmx.current_url if request.htmx else request.url  # type: ignore[attr-defined]
    page = url_for("sign_ins.new", next=own_path(came_from) if request.method in SAFE or request.htmx else None)  # type: ignore[attr-defined]
    if not request.htmx and request.method not in SAFE and request.accept_mimetypes.best == "application/json":  # type: ignore[attr-defined]
        abort(401)
    return _lead(page)


def _lead(page: str) -> Any:
    if request.htmx:  # type: ignore[attr-defined]
        response = Response(status=401)
        response.headers["HX-Redirect"] = page
        return response
    return redirect(page, 303)


def own_path(address: str | None) -> str | None:
    """The path of an address of ours, to come back to; None for anybody else's."""
    if not address:
        return None
    path = address.removeprefix(request.host_url.rstrip("/"))
    if not path.startswith("/") or path[1:2] in ("/", "\\") or any(ord(letter) < 32 for letter in path):
        return None
    return path


def _add_headers(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", POLICY)
    headers["X-Content-Type-Options"] = "nosniff"
    headers.setdefault("Referrer-Policy", "same-origin")
    headers["X-Frame-Options"] = "DENY"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    headers.setdefault("Cache-Control", "no-store")
    response.vary.update(("HX-Request", "Cookie"))
    if request.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return response
