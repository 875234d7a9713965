"""Every page fits a phone, sideways and under a finger."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SCREENS, Setting, told_at

PHONES = Setting("phone", "zh", "sqlite"), Setting("phone", "en", "postgresql")

# A link or a button may be small if what it stretches over, the label that belongs to it, or for the link at the head
# of a column its cell, is large enough.
SMALL = """() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")]
  .filter((one) => one.checkVisibility({visibilityProperty: true}) && !one.closest(".skip, .prose, .sr, p, [inert]"))
  .map((one) => {
    const places = [one, ...(one.labels ?? [])];
    if (one.parentNode.matches("th")) places.push(one.parentNode);
    if (getComputedStyle(one, "::after").position === "absolute") places.push(one.offsetParent);
    const boxes = places.map((place) => place.getBoundingClientRect());
    const width = Math.max(...boxes.map((box) => box.width)), height = Math.max(...boxes.map((box) => box.height));
    return width && Math.min(width, height) < 43.5 && `${width}×${height} ${one.outerHTML.slice(0, 120)}`;
  }).filter(Boolean)"""


def pages(world):
    lamp, fcc = f"/projects/{world.lamp.id}", f"/tasks/{world.fcc.id}"
    return [
        "/", "/inbox", "/projects", "/projects/new", f"{lamp}/board", f"{lamp}/board?group=phase",
        f"{lamp}/board?lanes=owner", f"{lamp}/board?task={world.unboxing.id}", f"{lamp}/list", f"{lamp}/table",
        f"{lamp}/tasks/new", fcc, f"{fcc}/edit", f"{fcc}/moves/new", "/nowhere",
    ]  # fmt: skip


@pytest.mark.parametrize("width", [360, 390])
@told_at(*PHONES)
def test_nothing_is_wider_than_a_phone_or_smaller_than_a_finger(yu, world, width):
    yu.expect("404")
    yu.page.set_viewport_size({"width": width, "height": 780})
    small = {}
    for path in pages(world):
        yu.go(path)
        yu.page.locator("main").wait_for()
        if width == 360:
            yu.check()
        sideways = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert yu.page.evaluate(sideways) <= 0, path
        if found := yu.page.evaluate(SMALL):
            small[path] = found
    assert not small, "\n".join(f"{path}: {one}" for path, all_small in small.items() for one in all_small)


@told_at(*PHONES)
def test_the_course_line_leads_to_its_column_and_knows_which_is_in_sight(yu, world):
    yu.open_board(world.lamp)
    links = yu.page.locator("[data-course]")
    expect(links.nth(0)).to_have_attribute("aria-current", "true")
    links.nth(2).click()
    expect(yu.card(world.script)).to_be_in_viewport()
    expect(links.nth(2)).to_have_attribute("aria-current", "true")
    expect(links.nth(0)).not_to_have_attribute("aria-current", "true")


@told_at(Setting("desk", "zh", "sqlite"), Setting("desk", "en", "postgresql"))
def test_every_page_reads_well_at_a_desk_in_the_dark_too(yu, world):
    yu.expect("404")
    assert SCREENS["desk"]["viewport"] == yu.page.viewport_size
    yu.page.emulate_media(color_scheme="dark")
    for path in pages(world):
        yu.go(path)
        yu.page.locator("main").wait_for()
        yu.check()
