"""Linkstar 联星: the project hub for getting products and campaigns into the US."""

import os
from typing import Any

from flask import Flask

from linkstar import api, assets, config, i18n, views
from linkstar.cli import register_commands
from linkstar.extensions import compress, csrf, db, htmx, limiter, login_manager, migrate


def create_app(**overrides: Any) -> Flask:
    """The application; `overrides` replace values of the configuration (tests)."""
    app = Flask(__name__, template_folder="../templates", static_folder=None)
    app.config.from_mapping(config.load(os.environ, **overrides))
    db.init_app(app)
    migrate.init_app(app, db, directory=str(config.CHECKOUT / "migrations"))
    i18n.init_app(app)
    csrf.init_app(app)
    htmx.init_app(app)
    login_manager.init_app(app)
    limiter.init_app(app)
    compress.init_app(app)
    assets.init_app(app)
    views.init_app(app)
    api.init_app(app)
    register_commands(app)
    return app
