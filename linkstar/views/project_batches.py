from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask_login import current_user

from linkstar import clock
from linkstar.extensions import commit
from linkstar.forms.launch import LaunchForm
from linkstar.forms.project_batch import LONGEST, MOST, Product, read_products
from linkstar.i18n import _, ngettext
from linkstar.models import Launch, Membership, next_code
from linkstar.planning.working_days import OutOfRange
from linkstar.reports.launch_preview import overloads_of
from linkstar.views.projects import wizard

blueprint = Blueprint("project_batches", __name__)


@blueprint.get("/project-batches/new")
def new() -> Any:
    """Which template; with `?template=7` the list of products that it is used for."""
    membership = wizard.workspace_for_new()
    if "template" not in request.args:
        return wizard.chooser(membership, batch=True)
    version = wizard.chosen_version(membership) or abort(404)
    form = wizard.form_of(version, membership)
    return _page(form, "") if not form.counts_hours else abort(404)


@blueprint.post("/project-batches")
def create() -> Any:
    """Shows what each line becomes; with `confirmed`, and nothing wrong, makes them all or none."""
    membership = wizard.workspace_for_new()
    version = wizard.chosen_version(membership)
    if version is None:
        return wizard.template_gone(membership)
    form, text = wizard.form_of(version, membership), request.form.get("products", "")
    if form.counts_hours:
        abort(404)
    products = read_products(text[:LONGEST], clock.today(ZoneInfo(current_user.timezone)))
    form.name_zh.data, form.word.data = "-", "SKU"  # each line brings its own
    form.anchor_needed = any(not product.own_day for product in products)
    if not form.validate() or not products or len(products) > MOST or len(text) > LONGEST:
        return _page(form, text, 422, _trouble_with(products, text))
    launches = [(product, _launch(form, product)) for product in products]
    wrong = any(product.troubles for product in products)
    if wrong or "confirmed" not in request.args:
        return _page(form, text, 422 if wrong else 200, launches=launches)
    for product, launch in launches:
        launch.values["code"] = _code(membership, launch, product)
        launch.create(by=current_user)
    commit()
    made = ngettext("%(num)s project was made.", "%(num)s projects were made.", len(launches))
    session["toast"] = {"message": made, "change": None}
    return redirect(url_for("projects.index"), 303)


def _trouble_with(products: list[Product], text: str) -> str:
    if not products:
        return _("Write one product a line.")
    if len(products) > MOST or len(text) > LONGEST:
        return _("At most %(most)s products go at once.", most=MOST)
    return ""


def _launch(form: LaunchForm, product: Product) -> Launch:
    launch = form.launch()
    launch.anchor = product.anchor or form.anchor
    launch.values |= {
        "name_zh": product.name_zh, "name_en": product.name_en, "sku": product.sku, "key": product.word or "SKU"
    }  # fmt: skip
    try:
        for each in (launch, *(child for _sub, child in launch.children)):
            each.spans  # noqa: B018
    except (OutOfRange, OverflowError):
        product.troubles.append(_("The plan would run out of the years 2000 to 2100. Choose another day."))
    return launch


def _code(membership: Membership, launch: Launch, product: Product) -> str:
    anchor = launch.spans[launch.template.anchor.task].start
    return next_code(membership.workspace_id, platforms=launch.values["platforms"], anchor=anchor, word=product.word)


def _page(
    form: LaunchForm, text: str, status: int = 200, trouble: str = "",
    launches: list[tuple[Product, Launch]] | None = None,
) -> Any:  # fmt: skip
    ready = [launch for _product, launch in launches or []] if status == 200 else []
    page = render_template(
        "project_batches/new.html", form=form, text=text, trouble=trouble, launches=launches or [], most=MOST,
        ready=bool(ready), overloads=overloads_of(ready, form.person, list(form.people.values())) if ready else [],
        once=wizard.once(),
    )  # fmt: skip
    return page, status
