"""The HTTP server and its JSON schema say the same, whatever is sent: schemathesis tries both."""

import json
import re

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from serving_process import Serving

from hier.serving import openapi
from hier.serving.application import endpoints

KEY = "hier_" + "s" * 30
SEED, EXAMPLES = 20_261_124, 3
TEXT = "# Notice\n\nThe notice period is two months.\n\n# Garden\n\nIt is watered in summer.\n"
HELD = {"trees": "notice", "corpora": "papers"}
CONFIG = {
    "seed": SEED,
    "generation": {"mode": "all", "max-examples": EXAMPLES, "deterministic": True},
    # What the engine refuses has a status of its own to be told apart: see below.
    "checks": {
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "401", "403", "404", "409", "422"]
        }
    },
}

DOCUMENT = json.loads(json.dumps(openapi.document(endpoints(keys=True), keys=True)))
schema = schemathesis.openapi.from_dict(DOCUMENT, config=SchemathesisConfig.from_dict(CONFIG))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schema")
    (folder / "notice.md").write_text(TEXT)
    with Serving(folder / "log", folder / "notice.md", "--workers", 2, key=KEY) as server:
        yield server
        assert server.stop() == 0
        assert "Traceback" not in server.words()


@schema.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
def test_every_answer_is_as_the_schema_says(case, served):
    positive = case.meta is None or case.meta.generation.mode.is_positive
    kind = re.match(r"/v1/(trees|corpora)/\{id\}", case.path)
    if kind and positive:
        case.path_parameters["id"] = HELD[kind[1]]
        if case.method.upper() != "PUT" or case.path.count("/") > 3:
            served.client.put("/v1/corpora/papers", json={})
    if positive and case.method == "POST" and case.path.endswith("/documents"):
        case.body["documents"] = case.body["documents"][:3]  # a hundred take long to write
    answered = case.call_and_validate(
        base_url=served.url, headers={"Authorization": f"Bearer {KEY}"}, timeout=60
    )
    if positive and answered.status_code == 422:
        assert answered.json()["error"]["code"] == "refused", answered.json()


def test_the_schema_says_what_everything_means(served):
    told = served.client.get("/openapi.json").json()
    assert told == DOCUMENT
    assert told["openapi"] == "3.1.0"
    for name, one in told["components"]["schemas"].items():
        assert one.get("description"), name
        for part, value in one.get("properties", {}).items():
            assert value.get("description"), (name, part)
    operations = [each for path in told["paths"].values() for each in path.values()]
    assert len({each["operationId"] for each in operations}) == len(operations)
    assert told["paths"]["/v1/trees/{id}/compress"]["post"]["security"] == [{"key": []}]
