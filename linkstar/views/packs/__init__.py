from linkstar.views.packs import updates
from linkstar.views.packs.packs import blueprint

blueprint.register_blueprint(updates.blueprint)

__all__ = ["blueprint"]
