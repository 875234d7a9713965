from linkstar.views.members import departure, role
from linkstar.views.members.members import blueprint

for module in (role, departure):
    blueprint.register_blueprint(module.blueprint)

__all__ = ["blueprint"]
