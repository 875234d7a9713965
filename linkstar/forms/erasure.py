from wtforms import StringField, ValidationError

from linkstar.forms import Text, stripped
from linkstar.forms.member import DepartureForm
from linkstar.i18n import _, _l
from linkstar.models import PersonalData


class ErasureForm(DepartureForm):
    """The name, typed once more, because nothing of this can be taken back; and who takes over what is open."""

    name = StringField(_l("Type the person’s name"), [Text(80, required=True)], filters=[stripped])

    def of(self, data: PersonalData) -> "ErasureForm":
        self.wanted = data.user.name
        if handover := data.must_be_let_go:
            self.offer(handover.successors, needed=handover.is_needed)
        else:
            del self.successor_id
        return self

    def validate_name(self, field: StringField) -> None:
        if field.data != self.wanted:
            raise ValidationError(_("Type it as it stands above: %(name)s", name=self.wanted))
