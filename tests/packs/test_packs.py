from pathlib import Path

import pytest

from linkstar import packs

TEMPLATE = """
templates:
- {key: walk, name_zh: 散步, name_en: Walk, unit: working_day, anchor: {}, owner_role: pmo, phases: [%s]}
"""


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """pack("…") is the pack whose templates.yaml says so."""

    def write(text: str) -> None:
        (tmp_path / "us").mkdir()
        (tmp_path / "us" / "templates.yaml").write_text(text)
        monkeypatch.setattr(packs, "FOLDER", tmp_path)

    caches = (packs.read, packs.template, packs.checklist)
    for each in caches:
        each.cache_clear()
    yield write
    for each in caches:
        each.cache_clear()


def test_the_electronics_launch_has_its_phases_tasks_and_gates():
    template = packs.template("amazon_us_launch_electronics")
    tasks = {task.key: task for phase in template.phases for task in phase.tasks}
    assert [phase.name_zh for phase in template.phases][:2] == ["立项", "样品与认证"]
    assert len(tasks) == 71
    assert tasks["fcc_grant"].blocking and tasks["fcc_grant"].depends_on == ["fcc_test"]
    assert tasks["ip_recheck"].offset == -15


def test_every_checklist_that_a_template_lists_is_there():
    templates = ["amazon_us_launch_electronics", "amazon_us_launch_apparel", "short_video_pipeline", "bfcm_campaign"]
    for key in templates:
        for phase in packs.template(key).phases:
            for task in phase.tasks:
                assert all(packs.checklist(each).items for each in task.checklists)


def test_a_checklist_applies_by_category_and_platform():
    fcc = packs.checklist("fcc_part15")
    assert fcc.applies(categories={"lighting"}, platforms={"amazon"})
    assert not fcc.applies(categories={"apparel"}, platforms={"amazon"})
    assert not packs.checklist("fba_inbound").applies(categories={"lighting"}, platforms={"tiktok"})


@pytest.mark.parametrize(
    "look, file",
    [(packs.template, "us/templates.yaml"), (packs.checklist, "us/checklists.yaml")],
    ids=["template", "checklist"],
)
def test_what_is_not_there_is_named_with_its_file(look, file):
    with pytest.raises(packs.PackError) as refused:
        look("moon_landing")
    assert str(refused.value) == f"{file}: moon_landing is not there."


@pytest.mark.parametrize(
    "phases, said",
    [
        ("{key: out, name_zh: 出门, tasks: []}", "us/templates.yaml: walk has no name_en."),
        ("{key: out, name_zh: 出门, name_en: Out}", "us/templates.yaml: walk has no list tasks."),
        (
            "{key: out, name_zh: 出门, name_en: Out, tasks: [{key: shoes, title_zh: 鞋, title_en: Shoes}]}",
            "us/templates.yaml: walk.shoes has no role.",
        ),
    ],
)
def test_a_missing_field_is_named_with_its_file_and_key(pack, phases, said):
    pack(TEMPLATE % phases)
    with pytest.raises(packs.PackError) as refused:
        packs.template("walk")
    assert str(refused.value) == said


def test_a_file_without_templates_says_so(pack):
    pack("{schema_version: 1}")
    with pytest.raises(packs.PackError, match="templates has no list templates"):
        packs.template("walk")
