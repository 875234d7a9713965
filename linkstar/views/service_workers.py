from typing import Any

from flask import Blueprint, send_from_directory

from linkstar.assets.build import STATIC
from linkstar.views.admission import public

blueprint = Blueprint("service_workers", __name__)


@blueprint.get("/sw.js")
@public
def show() -> Any:
    """At the root, because it may only look after what lies below its own address."""
    return send_from_directory(STATIC, "sw.js", mimetype="text/javascript", max_age=0)
