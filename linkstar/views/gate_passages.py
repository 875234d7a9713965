from typing import Any

from flask import Blueprint, abort, current_app, render_template, send_file
from markupsafe import Markup

from linkstar import evidence_pack, storage
from linkstar.i18n import LANGUAGES, _, force_locale, in_language
from linkstar.models import GatePassage
from linkstar.views import access

blueprint = Blueprint("gate_passages", __name__, url_prefix="/gate-passages/<id:passage_id>")
archive = Blueprint("archive", __name__, url_prefix="/archive")

PAGE = "index.html"


@blueprint.get("")
def show(passage_id: int) -> Any:
    """What was signed when the task passed, as it was then."""
    return render_template("gate_passages/show.html", passage=access.get_gate_passage(passage_id))


@archive.get("", endpoint="show")
def show_archive(passage_id: int) -> Any:
    """The same as a sealed ZIP with its files."""
    passage = access.get_gate_passage(passage_id)
    given = [item["evidence"] for item in passage.items if item["evidence"] and item["evidence"]["file_key"]]
    places = evidence_pack.places(each["file_name"] for each in given)
    by_key = {each["file_key"]: place for each, place in zip(given, places, strict=True)}
    page = render_template("gate_passages/evidence.html", passage=passage, pages=_in_both_languages(passage, by_key))
    files = [(each["file_name"], each["sha256"], lambda key=each["file_key"]: storage.open(key)) for each in given]
    key = evidence_pack.sealing_key(current_app.config["SECRET_KEY"])
    try:
        pack = evidence_pack.build(manifest_of(passage), {PAGE: page.encode()}, files, key)
    except (evidence_pack.Altered, storage.Missing):
        abort(409)
    name = f"{passage.content['task']['code']}-evidence-{passage.passed_at:%Y%m%d}.zip"
    return send_file(pack, "application/zip", as_attachment=True, download_name=name)


def _in_both_languages(passage: GatePassage, places: dict[str, str]) -> list[tuple[str, str, Markup]]:
    """(language tag, heading, what was signed) in Chinese and in English."""
    pages, task = [], passage.content["task"]
    for locale in LANGUAGES.values():
        with force_locale(locale):
            title = _("Gate passed: %(task)s", task=in_language(task["title_zh"], task["title_en"]))
            signed = render_template("gate_passages/_signed.html", passage=passage, places=places)
            pages.append((locale.replace("_", "-"), title, Markup(signed)))
    return pages


def manifest_of(passage: GatePassage) -> dict[str, Any]:
    return {
        "passed_at": passage.passed_at.isoformat(),
        "passed_by": passage.passed_by.name,
        **{f"disclaimer_{short}": _disclaimer(locale) for short, locale in LANGUAGES.items()},
        **passage.content,
    }


def _disclaimer(locale: str) -> str:
    with force_locale(locale):
        return str(_("For process control, not legal advice."))


blueprint.register_blueprint(archive)
