from linkstar.views.approvals import file, votes, withdrawal
from linkstar.views.approvals.approvals import blueprint

for module in (votes, withdrawal, file):
    blueprint.register_blueprint(module.blueprint)

__all__ = ["blueprint"]
