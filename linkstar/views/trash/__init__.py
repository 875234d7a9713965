from linkstar.views.trash import attachments, projects, tasks
from linkstar.views.trash.trash import blueprint

for module in (tasks, projects, attachments):
    blueprint.register_blueprint(module.blueprint)

__all__ = ["blueprint"]
