from linkstar.views.attachments import preview, sharing, versions
from linkstar.views.attachments.attachments import blueprint

for module in (preview, versions, sharing):
    blueprint.register_blueprint(module.blueprint)

__all__ = ["blueprint"]
