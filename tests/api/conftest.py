"""Scripts that use the API with somebody's token."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, has_app_context
from werkzeug.test import TestResponse

from linkstar import clock
from linkstar.extensions import db
from linkstar.models import SCOPES, ApiToken
from tests.world import World

ROOT = "/api/v1"


class Script:
    """A program with a token and no cookies."""

    def __init__(self, app: Flask, token: str | None) -> None:
        self.client = app.test_client(use_cookies=False)
        self.token = token

    def open(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, **options: Any
    ) -> TestResponse:
        assert not has_app_context(), "an open context would lend its person to every request"
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        sent |= headers or {}
        if body is not None:
            options |= {"data": json.dumps(body), "content_type": "application/json"}
        path = path if path.startswith(ROOT) else ROOT + path
        return self.client.open(path, method=method, headers=sent, buffered=True, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.open("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        return self.open("POST", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        return self.open("PUT", path, body, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self.open("DELETE", path, **options)

    def patch(self, path: str, body: Any, **options: Any) -> TestResponse:
        """As a script does it that read the record just now."""
        headers = {"If-Match": self.get(path).headers.get("ETag", "*")} | options.pop("headers", {})
        return self.open("PATCH", path, body, headers=headers, **options)


@pytest.fixture
def script(app: Flask, world: World) -> Callable[..., Script]:
    """script("yu") acts for 林晓雨 in her company, with all scopes; script() has no token."""

    def begin(person: str | None = None, *scopes: str, days: int = 30) -> Script:
        if person is None:
            return Script(app, None)
        with app.app_context():
            return Script(app, token_of(getattr(world, person), *scopes, days=days))

    return begin


def token_of(user: Any, *scopes: str, days: int = 30) -> str:
    expires = clock.now() + timedelta(days=days)
    workspace_id = user.memberships[0].workspace_id
    _row, token = ApiToken.create(user, workspace_id, "导出脚本", list(scopes or SCOPES), expires, by=user)
    db.session.commit()
    return token
