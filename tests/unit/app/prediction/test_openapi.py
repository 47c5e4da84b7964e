"""The description of the service is complete, and fuzzing by it meets neither a 5xx nor a path of the server."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import radstudy
from radstudy.app.prediction.schemas import ErrorAnswer, HealthAnswer, PredictionAnswer, RefusedAnswer, SignatureAnswer
from unit.app.prediction.conftest import Client

HERE = Path(__file__).parent
needs_schemathesis = pytest.mark.skipif(
    importlib.util.find_spec("schemathesis") is None, reason="schemathesis is not installed (pip install schemathesis)"
)


def described(service):
    return service.client.ask("GET", "/openapi.json").json


def test_every_route_is_described_and_every_description_has_a_route(images_service):
    document = described(images_service)
    paths = {"/", "/page", "/static/{file}", "/api/enter", "/health", "/openapi.json", "/signature", "/predict",
             "/predict/images"}  # fmt: skip
    assert set(document["paths"]) == paths
    client = images_service.client
    for path, methods in document["paths"].items():
        (method,) = methods
        names = methods[method].get("parameters", [{"schema": {"enum": [""]}}])[0]["schema"].get("enum", [""])
        for name in names:
            answer = client.ask(method.upper(), path.replace("{file}", name))
            assert str(answer.status) in methods[method]["responses"], (path, answer.body)
            assert answer.status not in (404, 405)


def test_the_form_of_a_request_is_that_of_the_signature(images_service, values_service):
    paths = described(images_service)["paths"]
    form = paths["/predict/images"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert {"image:T2", "mask:T2", "image:DWI", "mask:DWI", "clinical:age"} <= set(form["required"])
    assert set(form["properties"]) - set(form["required"]) == {"label", "outside_range", "page"}
    body = paths["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["required"]) == {"clinical", "features"} and not body["additionalProperties"]
    levels = described(values_service)["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    assert levels["schema"]["properties"]["clinical"]["properties"]["margin"]["enum"] == ["smooth", "rough"]


def test_answers_are_as_described(images_service, values_service, files):
    """The declarations refuse every further name."""
    clinical = {"clinical": {"age": 50, "margin": "rough"}}
    answers = {
        HealthAnswer: [Client(values_service.port).ask("GET", "/health")],
        SignatureAnswer: [service.client.ask("GET", "/signature") for service in (values_service, images_service)],
        PredictionAnswer: [
            values_service.client.values(**clinical, page=True), images_service.client.images(*files(2)),
        ],
        RefusedAnswer: [values_service.client.values(clinical={"age": 500, "margin": "rough"})],
        ErrorAnswer: [
            values_service.client.values(), values_service.client.ask("GET", "/nothing"),
            Client(values_service.port).ask("GET", "/signature"), values_service.client.images(),
        ],
    }  # fmt: skip
    for model, given in answers.items():
        for answer in given:
            model.model_validate_json(answer.body)


def fuzzed(service, folder, seconds, examples, places=()):
    """Run schemathesis on a service; every check but one: a valid request may be of a patient who is refused."""
    folders = (Path(radstudy.__file__).parent, service.service.uploads, service.service.audit.file.parent)
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{service.port}/openapi.json",
        "--header", f"Authorization: Bearer {service.token}", "--checks", "all",
        "--exclude-checks", "positive_data_acceptance", "--max-examples", str(examples), "--max-time", str(seconds),
        "--generation-database", "none", "--no-color",
    ]  # fmt: skip
    environment = {
        **os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
        "PYTHONPATH": os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "RADSTUDY_PLACES": os.pathsep.join(map(str, (*folders, *places))),
    }  # fmt: skip
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=seconds + 120, env=environment, cwd=folder
    )


@needs_schemathesis
def test_a_short_fuzz_meets_no_5xx_and_no_path(values_service, tmp_path):
    done = fuzzed(values_service, tmp_path, 6, 20)
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    assert not [line for line in values_service.audit if line["status"] >= 500]


@needs_schemathesis
def test_the_fuzz_would_find_a_path(values_service, tmp_path):
    done = fuzzed(values_service, tmp_path, 6, 1, places=["Research use only"])
    assert done.returncode == 1 and "Research use only" in done.stdout


@pytest.mark.long
@needs_schemathesis
@pytest.mark.parametrize("kind", ["values_service", "images_service"])
def test_a_long_fuzz_meets_no_5xx_and_no_path(kind, request, tmp_path):
    service = request.getfixturevalue(kind)
    done = fuzzed(service, tmp_path, 600, 2_000)
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    assert len(service.audit) > 500
    assert not [line for line in service.audit if line["status"] >= 500]
    assert service.uploads == []
