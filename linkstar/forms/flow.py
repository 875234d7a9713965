from wtforms import StringField
from wtforms.validators import NumberRange, Optional

from linkstar.forms import Pick, Text, Whole, stripped
from linkstar.forms.template import NamedForm
from linkstar.i18n import _l
from linkstar.words import STAGE_KINDS


class PhaseForm(NamedForm):
    name_zh = StringField(_l("Name in Chinese"), [Text(60)], filters=[stripped])
    name_en = StringField(_l("Name in English"), [Text(60)], filters=[stripped])


class StageForm(PhaseForm):
    kind = Pick(_l("Kind"))
    wip_limit = Whole(_l("At most so many tasks"), [Optional(), NumberRange(1, 1000)])

    def offer(self) -> "StageForm":
        self.kind.offer(*((kind, str(words)) for kind, words in STAGE_KINDS.items()))
        return self
