"""A creator's way in: a link from a mail, pressed open. It signs the first device in at once, another one by a code."""

from linkstar.views.entries import code, openings
from linkstar.views.entries.entries import blueprint

for module in (openings, code):
    blueprint.register_blueprint(module.blueprint)

__all__ = ["blueprint"]
