"""The published JSON Schema is what is declared, and a signature is as the schema says."""

import json
from pathlib import Path

from radstudy.artefacts.model import SIGNATURE
from radstudy.signature import schema
from radstudy.signature.document import FORMAT, document_of
from unit.signature.clinical import clinical_signature

ROOT = Path(__file__).parents[3]


def test_the_published_schema_is_what_is_declared():
    for name in schema.SCHEMA_FILES:
        again = "run python -m radstudy.signature.schema . and commit what it writes"
        assert (ROOT / name).read_text(encoding="utf-8") == schema.schema_text(), again


def test_the_schema_has_the_format_and_the_parts_of_the_run_folder_s_declaration():
    published = schema.json_schema()
    assert published["properties"]["format"]["const"] == FORMAT
    assert published["properties"].keys() == {column.name for column in SIGNATURE.fields}
    needed = {column.name for column in SIGNATURE.fields if not column.optional}
    assert needed <= {*published["required"]}


def test_signatures_are_as_the_schema_says(small):
    for file in (small / "run" / "signature.json", *(small / "run" / "model" / "signatures").glob("*.json")):
        assert schema.schema_problems(json.loads(file.read_text(encoding="utf-8"))) == []


def test_every_departure_is_named():
    document = document_of(clinical_signature())
    assert schema.schema_problems(document) == []
    broken = {**document, "more": 1, "cutoff": 1.5, "formula": {**document["formula"], "intercept": "0"}}
    del broken["use"]
    told = "\n".join(schema.schema_problems(broken))
    for part in ("more: ", "cutoff: ", "formula.intercept: ", "use: Field required"):
        assert part in told
