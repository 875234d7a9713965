from linkstar.views.automations import activity, rehearsal
from linkstar.views.automations.automations import blueprint

for module in (activity, rehearsal):
    blueprint.register_blueprint(module.blueprint)

__all__ = ["blueprint"]
