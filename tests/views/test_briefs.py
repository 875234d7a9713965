"""The creators' portal: one's own briefs in one's own words, and nothing else of what there is."""

from datetime import UTC, datetime, timedelta

import pytest

from linkstar import clock
from linkstar.extensions import db
from linkstar.models import Checklist, Delivery, Dependency, Membership, Project, Stage, Task
from tests.pages import elements
from tests.world import NOW, october

INSIDE = (
    "周越",
    "王蕾",
    "何佳",
    "露营灯",
    "Camp lantern",
    "LAMP",
    "FCC",
    "报价",
    "Theo",
    "夜徒",
    "Night hike",
)


def main_of(answer):
    return answer.text.partition("<main")[2].partition("</main>")[0]


def show(browser, task):
    return browser.get(f"/briefs/{task.id}")


def move(browser, task, to, **options):
    return browser.post(f"/briefs/{task.id}/moves", {"to": to}, **options)


@pytest.fixture
def written(app, world):
    """What is wanted of the unboxing, and what is not."""
    with app.app_context():
        values = {"wanted_en": "- Say #ad in the first 3 s", "unwanted_en": "- No “waterproof”"}
        world.unboxing.edit(values | {"wanted_zh": "- 前 3 秒说 #ad", "unwanted_zh": "- 不说防水"}, by=world.yu)
        db.session.commit()


def test_home_and_my_work_are_the_briefs(browse):
    jess = browse("jess")
    answer = jess.get("/")
    assert (answer.status_code, answer.location) == (303, "/briefs")
    assert browse("yu").get("/briefs").status_code == 404


def test_a_creator_reads_her_own_brief_and_nobody_elses(browse, world, written):
    jess = browse("jess")
    page = jess.get("/briefs").text
    assert "Unboxing video" in page
    assert "Shanlan Outdoor" in page
    brief = show(jess, world.unboxing).text
    for words in ("45 seconds, lamp first.", "Say #ad in the first 3 s", "No “waterproof”", "the lamp is on its way"):
        assert words in brief
    for words in INSIDE:
        assert words not in page, words
        assert words not in brief, words
    assert "林晓雨" not in page
    assert "林晓雨" in brief, "who wrote to her has a name"
    for task in (world.night_hike, world.fcc, world.frame):
        assert show(jess, task).status_code == 404
    assert show(browse("theo"), world.unboxing).status_code == 404


def test_the_brief_is_in_the_creators_language_or_marked_as_in_the_other(app, browse, world, written):
    with app.app_context():
        world.night_hike.edit({"title_en": None, "brief_zh": "沿着溪走。"}, by=world.yu)
        db.session.commit()
    theo = browse("theo")
    page = show(theo, world.night_hike).text
    assert "沿着溪走。" in page
    assert "In Chinese" in page
    assert elements(main_of(show(theo, world.night_hike)), lang="zh-CN")
    jess = browse("jess")
    assert "In Chinese" not in show(jess, world.unboxing).text
    jess.post("/preferences", {"language": "zh"})
    page = show(jess, world.unboxing).text
    assert "四十五秒" in page
    assert "前 3 秒说 #ad" in page


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (NOW, "in 6 days"),  # Monday evening in Los Angeles
        (datetime(2026, 10, 18, 6, 59, tzinfo=UTC), "tomorrow"),
        (datetime(2026, 10, 18, 7, 0, tzinfo=UTC), "today"),
        (datetime(2026, 10, 19, 6, 59, tzinfo=UTC), "today"),
        (datetime(2026, 10, 19, 7, 0, tzinfo=UTC), "1 day late"),
    ],
)
def test_the_day_is_the_creators_day(browse, world, now, words):
    with clock.at(now):
        page = main_of(show(browse("jess"), world.unboxing))
    assert "Due Sun Oct 18" in page
    assert words in page


def test_who_only_helps_reads_the_owners_deadline_on_her_own_clock(app, browse, world):
    with app.app_context():
        world.photos.add_participant(world.jess, "collaborator", by=world.yu)
        db.session.commit()
    page = main_of(show(browse("jess"), world.photos))
    assert "Due Thu Oct 15 9:00 AM" in page, "the end of the 15th in Shanghai"
    assert "moves" not in page, "a helper says something, and moves nothing"
    assert move(browse("jess"), world.photos, "review").status_code == 403


def test_start_send_for_review_changes_and_approval_are_said_plainly(app, browse, world):
    theo, yue = browse("theo"), browse("yue")
    brief = world.night_hike

    def put(stage):
        assert yue.post(f"/tasks/{brief.id}/moves", {"stage_id": stage.id}, htmx=True).status_code == 200

    assert "Waiting for you" in show(theo, brief).text
    assert move(theo, brief, "active").status_code == 303
    assert "In progress" in show(theo, brief).text
    assert move(theo, brief, "review").status_code == 303
    page = show(theo, brief).text
    assert "Sent for review" in page
    assert "/moves" not in main_of(show(theo, brief)), "now it is the team's turn"
    assert world.night_hike.stage_id == world.in_review.id
    put(world.doing)
    assert "Please change" in show(theo, brief).text
    assert "See what to change" in theo.get("/briefs").text
    assert move(theo, brief, "review").status_code == 303
    put(world.done)
    assert "Approved" in main_of(show(theo, brief)).partition("<h1")[0]


def test_what_was_sent_twice_or_is_unknown_moves_nothing(browse, world):
    jess = browse("jess")
    assert move(jess, world.unboxing, "done").status_code == 422
    assert move(jess, world.unboxing, "active").status_code == 303
    assert world.unboxing.stage_id == world.doing.id
    assert move(jess, world.unboxing, "review").status_code == 303
    assert move(jess, world.unboxing, "review").status_code == 303
    assert world.unboxing.stage_id == world.in_review.id


@pytest.fixture
def behind_fcc(app, world):
    with app.app_context():
        db.session.add(Dependency(predecessor_id=world.fcc.id, successor_id=world.night_hike.id))
        db.session.commit()


def test_what_holds_a_brief_inside_is_the_team_and_nothing_more(app, browse, world, behind_fcc):
    theo = browse("theo")
    page = show(theo, world.night_hike)
    assert "Waiting for the team" in page.text
    refused = move(theo, world.night_hike, "active")
    assert refused.status_code == 422
    assert "Waiting for the team" in refused.text
    assert elements(refused.text, role="alert")
    assert world.night_hike.stage_id == world.to_do.id
    for answer in (page, refused):
        for words in ("FCC", "王蕾", "Legal", "Oct 16"):
            assert words not in main_of(answer), words


def test_an_unticked_list_of_the_team_holds_it_without_showing_it(app, browse, world):
    with app.app_context():
        checklist = Checklist.begin("法务终审", world.unboxing, by=world.yue)
        checklist.add("素材授权书", "The licence", required=True)
        db.session.commit()
    refused = move(browse("jess"), world.unboxing, "review")
    assert refused.status_code == 422
    assert "Waiting for the team" in refused.text
    assert "licence" not in refused.text and "素材授权书" not in refused.text


def test_her_own_brief_that_comes_first_is_named(app, browse, world):
    with app.app_context():
        world.night_hike.edit({"owner_id": world.jess.id, "blocking": True}, by=world.yue)
        db.session.add(Dependency(predecessor_id=world.night_hike.id, successor_id=world.unboxing.id))
        db.session.commit()
    assert "“Night hike video” comes first." in show(browse("jess"), world.unboxing).text


def test_a_message_is_shared_with_the_team(browse, world):
    jess = browse("jess")
    answer = jess.post(f"/briefs/{world.unboxing.id}/comments", {"body": "Sunday **works**"}, htmx=True)
    assert answer.status_code == 200
    assert "<strong>works</strong>" in answer.text
    assert "报价" not in answer.text
    assert "Sunday" in browse("yue").get(f"/tasks/{world.unboxing.id}").text
    plain = jess.post(f"/briefs/{world.unboxing.id}/comments", {"body": "Monday too"})
    assert (plain.status_code, plain.location) == (303, f"/briefs/{world.unboxing.id}#talk")
    empty = jess.post(f"/briefs/{world.unboxing.id}/comments", {"body": " "}, htmx=True)
    assert empty.status_code == 422
    assert elements(empty.text, role="alert")


def test_a_shared_message_comes_by_mail_because_there_is_no_inbox(app, browse, world):
    browse("yu").post(f"/tasks/{world.unboxing.id}/comments", {"body": "看一下 the light", "shared": "1"}, htmx=True)
    browse("yu").post(f"/tasks/{world.unboxing.id}/comments", {"body": "底价 250"}, htmx=True)
    with app.app_context():
        due = db.session.scalars(db.select(Delivery).join(Delivery.notification).where(Delivery.state == "due"))
        told = [(each.notification.user_id, each.notification.comment.body) for each in due]
    assert told == [(world.jess.id, "看一下 the light")]


def test_two_brands_stand_apart(app, browse, world):
    with app.app_context():
        db.session.add(Membership(workspace=world.beiyuan, user=world.jess, role="creator"))
        db.session.flush()
        bike = db.session.get_one(Project, world.bike.id)
        Task.create(bike, by=bike.owner, stage=bike.stages[0], owner=world.jess, title_en="Fold it on camera")
        db.session.commit()
    page = main_of(browse("jess").get("/briefs"))
    shanlan, beiyuan = page.index("Shanlan Outdoor"), page.index("Beiyuan Cycling")
    assert shanlan < page.index("Unboxing video") < beiyuan < page.index("Fold it on camera")


def test_a_creator_of_one_brand_who_leads_at_another_keeps_both(app, browse, world):
    with app.app_context():
        db.session.add(Membership(workspace=world.beiyuan, user=world.jess, role="pmo"))
        db.session.commit()
    jess = browse("jess")
    assert jess.get("/").status_code == 200
    page = main_of(jess.get("/briefs"))
    assert "Unboxing video" in page
    assert "车架" not in page, "what she leads is no brief"
    assert show(jess, world.frame).status_code == 404


def test_drafts_of_templates_and_the_trash_are_no_briefs(app, browse, world):
    with app.app_context():
        world.unboxing.trash(by=world.yue)
        db.session.commit()
    jess = browse("jess")
    assert "No briefs yet" in jess.get("/briefs").text
    assert show(jess, world.unboxing).status_code == 404


def test_a_project_without_review_offers_no_review(app, browse, world):
    with app.app_context():
        db.session.execute(db.update(Stage).where(Stage.id == world.in_review.id).values(kind="active"))
        db.session.commit()
    assert "Send for review" not in show(browse("jess"), world.unboxing).text


def test_many_briefs_are_read_with_few_questions(app, browse, world, count_queries):
    with app.app_context():
        lamp = db.session.get_one(Project, world.lamp.id)
        for number in range(40):
            Task.create(
                lamp, by=lamp.owner, stage=lamp.stages[1], owner=world.jess, title_en=f"Clip {number}",
                due_on=october(20) + timedelta(days=number),
            )  # fmt: skip
        db.session.commit()
    jess = browse("jess")
    with count_queries() as queries:
        assert jess.get("/briefs").text.count("Clip ") >= 40
    assert len(queries) <= 8, queries


def test_what_comes_to_an_insider_of_a_creators_task_says_where_it_is(app, browse, world):
    """The fields for creators stand in the form where a creator takes part, and nowhere else."""
    yu = browse("yu")
    assert 'name="wanted_en"' in browse("yue").get(f"/tasks/{world.unboxing.id}/edit").text
    assert 'name="wanted_en"' not in yu.get(f"/tasks/{world.script.id}/edit").text
    form = {"title_zh": "开箱短视频", "wanted_en": "- Film outdoors", "version": world.unboxing.version}
    assert browse("yue").post(f"/tasks/{world.unboxing.id}", form).status_code == 303
    assert "Film outdoors" in show(browse("jess"), world.unboxing).text
    assert "Film outdoors" in yu.get(f"/tasks/{world.unboxing.id}").text
