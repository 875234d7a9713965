from linkstar.views.emergencies import acknowledgement, closure, reopening
from linkstar.views.emergencies.emergencies import blueprint

for module in (acknowledgement, closure, reopening):
    blueprint.register_blueprint(module.blueprint)

__all__ = ["blueprint"]
