"""At the door of every request: who is it, does it write, and which headers its answer carries."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Response, abort, current_app, redirect, request, url_for
from flask_login import current_user
from werkzeug.middleware.proxy_fix import ProxyFix

from linkstar.extensions import login_manager, read_only
from linkstar.i18n import remember_language
from linkstar.models import SignIn, User

View = TypeVar("View", bound=Callable[..., Any])

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


def init_app(app: Flask) -> None:
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
    user = SignIn.user_of(token)
    return user.signed_in_with(token) if user else None


def _admit() -> Any:
    if request.method in SAFE:
        read_only()
    remember_language()
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or getattr(view, "public", False):
        return None
    return None if current_user.is_authenticated else send_to_sign_in()


def send_to_sign_in() -> Any:
    """To sign-in and back again; an htmx request leaves the page, so that no form lands in a card."""
    came_from = request.htmx.current_url if request.htmx else request.url  # type: ignore[attr-defined]
    page = url_for("sign_ins.new", next=own_path(came_from) if request.method in SAFE or request.htmx else None)  # type: ignore[attr-defined]
    if request.htmx:  # type: ignore[attr-defined]
        response = Response(status=401)
        response.headers["HX-Redirect"] = page
        return response
    if request.method not in SAFE and request.accept_mimetypes.best == "application/json":
        abort(401)
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
    headers["Referrer-Policy"] = "same-origin"
    headers["X-Frame-Options"] = "DENY"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    headers.setdefault("Cache-Control", "no-store")
    response.vary.update(("HX-Request", "Cookie"))
    if request.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return response
