from linkstar.views.members import departure, entries, role, second_factor
from linkstar.views.members.members import blueprint

for module in (role, departure, entries, second_factor):
    blueprint.register_blueprint(module.blueprint)

__all__ = ["blueprint"]
