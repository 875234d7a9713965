from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from flask import Flask

from linkstar.i18n import LANGUAGES, force_locale
from tests.conftest import make_app

Said = Callable[[Exception, str], str]

PACK = """
pack: {key: walks, version: "1", name_zh: 散步包, name_en: Walks}
as_of: 2026-11-01
categories:
- {key: care_beds, name_zh: 护理床, name_en: Care beds}
checklists:
- key: shoes
  title_zh: 鞋
  title_en: Shoes
  applies_to: {categories: [care_beds], platforms: [all], content_types: []}
  stage: initiation
  region: US
  lead_time_days: [0, 1]
  note_zh: 雨天看靴子
  note_en: Boots when it rains
  items:
  - {key: laces, zh: 鞋带系好, en: Laces tied, level: required, evidence: photo}
  - {key: soles, zh: 鞋底防滑, en: Soles hold, level: advisory}
templates:
- key: walk
  name_zh: 散步
  name_en: Walk
  applies_to: {categories: [care_beds], platforms: [amazon]}
  unit: working_day
  anchor: {type: event_day, task: out, name_zh: 出门日, name_en: Day out}
  owner_role: pmo
  variables: {weather: dry, hours: 2}
  phases:
  - key: before
    name_zh: 之前
    name_en: Before
    tasks:
    - {key: dress, title_zh: 穿鞋, title_en: Put shoes on, role: ops, duration: 0.5, depends_on: [], blocking: true,
       checklists: [shoes, prop65]}
    - {key: plan, title_zh: 定路线, title_en: Plan the way, role: pmo, duration: 1, depends_on: [dress],
       blocking: false, start: fixed, offset: -2, counterpart_tz: America/New_York}
  - key: after
    name_zh: 之后
    name_en: After
    waits_for: [before]
    tasks:
    - {key: out, title_zh: 出门, title_en: Go out, role: pmo, duration: 0, depends_on: [{task: dress, lag: 1}, plan],
       blocking: false, lag: -0.5, creates_subproject_from: short_video_pipeline}
"""


@pytest.fixture
def walks() -> str:
    """A small pack as somebody uploads it."""
    return PACK


@pytest.fixture(scope="session")
def said(tmp_path_factory: pytest.TempPathFactory) -> Said:
    """said(fault, "zh") is the sentence that a reader of Chinese gets."""
    app: Flask = make_app("sqlite://", tmp_path_factory.mktemp("packs"))

    def say(fault: Exception, language: str) -> str:
        reading: AbstractContextManager[None] = force_locale(LANGUAGES[language])
        with app.app_context(), reading:
            return str(fault)

    return say
