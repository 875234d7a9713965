import pytest

from linkstar.packs import coarse, pack, recipe_for


def test_an_ad_set_up_is_split_into_the_four_steps_and_the_last_one_waits():
    recipe = recipe_for("完成广告搭建")
    assert recipe is not None
    assert [step.title_zh for step in recipe.steps] == ["建立 SP 广告组", "添加关键词", "设置竞价", "运行 7 天数据收集"]
    assert [step.waiting for step in recipe.steps] == [False, False, False, True]
    assert recipe.steps[-1].elapsed_calendar_days == 7


@pytest.mark.parametrize(
    "title, key",
    [
        ("Finish ad set-up", "sp_ads"),
        ("完成 Listing", "listing"),
        ("Complete the LISTING", "listing"),
        ("做好短视频", "short_video"),
        ("完成达人短视频", "short_video"),
        ("完成 SP 广告视频", "sp_ads"),
        ("完成 FCC 认证", "certification"),
        ("搞定备货入仓", "stocking"),
        ("完成达人合作", "creators"),
        ("开周会", None),
        ("Weekly meeting", None),
    ],
)
def test_a_recipe_is_found_by_the_words_of_the_title(title, key):
    recipe = recipe_for(title)
    assert (recipe.key if recipe else None) == key


@pytest.mark.parametrize("recipe", pack().recipes, ids=lambda recipe: recipe.key)
def test_a_recipe_takes_real_steps_and_is_found_by_its_own_name(recipe):
    assert len(recipe.steps) >= 4
    assert len({step.key for step in recipe.steps}) == len(recipe.steps)
    assert recipe_for(recipe.name_zh) is recipe
    assert recipe_for(recipe.name_en) is recipe
    assert all(step.elapsed_calendar_days for step in recipe.steps if step.waiting)


@pytest.mark.parametrize(
    "duration, has_checklist, title, reasons",
    [
        (20, False, "完成广告搭建", ["long", "vague_title"]),
        (20, True, "完成广告搭建", ["vague_title"]),
        (10, False, "建立 SP 广告组", []),
        (10.5, False, "建立 SP 广告组", ["long"]),
        (11, True, "建立 SP 广告组", []),
        (None, False, "做好主图", ["vague_title"]),
        (1, False, " 搞定物流", ["vague_title"]),
        (1, False, "Finish the listing", ["vague_title"]),
        (1, False, "do ads", ["vague_title"]),
        (1, False, "Document the test", []),
        (1, False, "Completeness check", []),
        (1, False, "完成率复盘", []),
        (1, False, "检查已完成的检测", []),
    ],
)
def test_a_task_is_coarse_when_it_is_long_without_a_list_or_says_only_that_it_ends(
    duration, has_checklist, title, reasons
):
    assert coarse(duration, has_checklist, title) == reasons
