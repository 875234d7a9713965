from linkstar.views.invitations import acceptance
from linkstar.views.invitations.invitations import blueprint

blueprint.register_blueprint(acceptance.blueprint)

__all__ = ["blueprint"]
