from linkstar.views.emergencies import acknowledgement, closure
from linkstar.views.emergencies.emergencies import blueprint

for module in (acknowledgement, closure):
    blueprint.register_blueprint(module.blueprint)

__all__ = ["blueprint"]
