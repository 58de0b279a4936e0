"""The API asked at random: no answer is a 5xx, and none is outside the contract (schemathesis).

`API_FUZZ_REQUESTS` says how many requests are made; `make api-fuzz` makes 10,000.
"""

import os
from collections.abc import Iterator

import pytest
import schemathesis
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from support.served_folder import ALL_KEYS, KEYS, serving, simulate_folder

from stream_app.serving.api import acts, insights, pushes, recommendations, users

REQUESTS = int(os.environ.get("API_FUZZ_REQUESTS", "250"))
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
OPERATIONS = [
    (route.path_format, method)
    for router in (users.router, recommendations.router, insights.router, acts.router, pushes.router)
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in route.methods
    if route.path_format != "/v1/stream"  # has no end; tests/integration/test_served.py reads it
]


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Iterator[schemathesis.schemas.BaseSchema]:
    folder = simulate_folder(tmp_path_factory.mktemp("fuzzed"))
    limits = {"api_rate": 1e6, "api_burst": 1_000_000}
    with serving(folder, api_keys=ALL_KEYS, api_hosts="testserver", **limits) as asker:
        yield schemathesis.openapi.from_asgi("/openapi.json", asker.app)


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
def test_no_answer_is_outside_the_contract(
    operation: tuple[str, str], contract: schemathesis.schemas.BaseSchema
) -> None:
    path, method = operation
    key = {"Authorization": f"Bearer {KEYS['act']}"}

    @settings(
        max_examples=max(REQUESTS // len(OPERATIONS), 1),
        deadline=None,
        derandomize="API_FUZZ_REQUESTS" not in os.environ,  # the same requests in every run of all tests
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=contract[path][method].as_strategy())
    def ask(case: schemathesis.Case) -> None:
        answer = case.call(headers=key)
        # Of what the folder has not learned yet it says so, as the contract has it.
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        case.validate_response(answer, checks=CHECKS)

    ask()
