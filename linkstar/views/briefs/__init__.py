"""The creators' portal: each sees the own briefs, and nothing else."""

from linkstar.views.briefs import comments, moves
from linkstar.views.briefs.briefs import blueprint

for module in (comments, moves):
    blueprint.register_blueprint(module.blueprint)

__all__ = ["blueprint"]
