from linkstar.views.channels import activity, replays, tests
from linkstar.views.channels.channels import blueprint

for module in (activity, replays, tests):
    blueprint.register_blueprint(module.blueprint)

__all__ = ["blueprint"]
