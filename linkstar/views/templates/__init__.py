from linkstar.views.templates import differences, draft, versions
from linkstar.views.templates.templates import blueprint

for module in (draft, versions, differences):
    blueprint.register_blueprint(module.blueprint)

__all__ = ["blueprint"]
