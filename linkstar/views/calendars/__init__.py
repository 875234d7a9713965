from linkstar.views.calendars import days
from linkstar.views.calendars.calendars import blueprint

blueprint.register_blueprint(days.blueprint)

__all__ = ["blueprint"]
