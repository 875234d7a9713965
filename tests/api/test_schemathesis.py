"""The OpenAPI file against the program: right and wrong requests, made up from the file, to the real application. No
answer breaks, and none is one that the file does not describe; what the file does not allow is refused."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from linkstar.extensions import limiter
from tests.api.conftest import token_of

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    response_headers_conformance, negative_data_rejection,
]  # fmt: skip
MADE_UP = settings(
    max_examples=6, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.fixture
def described(app, world, monkeypatch):
    """The file, the header of an administrator's token, and ids of the world for the addresses."""
    monkeypatch.setattr(limiter, "enabled", False)
    app.testing = False  # what breaks inside has to come out as it would
    with app.app_context():
        headers = {"Authorization": f"Bearer {token_of(world.admin)}", "Accept-Encoding": "identity"}
    ids = {
        "workspace_id": world.shanlan.id, "project_id": world.lamp.id, "task_id": world.listing.id,
        "stage_id": world.doing.id, "phase_id": world.ads.id, "item_id": world.lab_report.id,
        "checklist_id": world.checklist.id, "predecessor_id": world.fcc.id,
    }  # fmt: skip
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app), headers, ids


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
def test_the_program_does_as_the_file_says(described, mode):
    schema, headers, ids = described
    answered: dict[str, set[int]] = {}

    def ask(case: schemathesis.Case, near: bool) -> None:
        if near and mode is GenerationMode.POSITIVE:
            case.path_parameters = {name: ids.get(name, 1) for name in case.path_parameters or {}}
            if "If-Match" in (case.headers or {}):
                case.headers["If-Match"] = "*"
        answer = case.call(headers=headers)
        case.validate_response(answer, checks=CHECKS, headers=headers)
        answered.setdefault(case.operation.label, set()).add(answer.status_code)

    for result in schema.get_all_operations():
        cases = result.ok().as_strategy(generation_mode=mode)
        MADE_UP(given(case=cases, near=st.booleans())(ask))()
    assert len(answered) == 49
    if mode is GenerationMode.POSITIVE:
        went_well = [label for label, statuses in answered.items() if min(statuses) < 300]
        assert len(went_well) >= 18, "most operations have to be met where they work"
