from linkstar.views.accounts import other_sessions, password, recovery_codes, second_factor, sessions
from linkstar.views.accounts.accounts import blueprint

for module in (password, sessions, other_sessions, second_factor, recovery_codes):
    blueprint.register_blueprint(module.blueprint)

__all__ = ["blueprint"]
