"""What is shipped for ever: presets, defaults and feature lists by version, and study files and signatures of today.

``presets.csv`` holds the hash of each shipped file: a shipped version is never changed, a new one is a new file and a
new line. ``samples/`` holds study files as they were written before they had versions, the protocol that the program
made of each then (``protocols.json``), and a signature with the probabilities that it gave (``probabilities.json``).
"""

import csv
import inspect
import json
from functools import partial
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from compat.shipped_values import shipped_values
from radstudy.errors import RefusedError, StudyFileError
from radstudy.protocol import agree, cohort, evaluate, extract, load, model, reading, shipped, site
from radstudy.protocol.base import Section
from radstudy.protocol.classifiers import CLASSIFIERS
from radstudy.protocol.load import load_protocol, parse_protocol
from radstudy.protocol.prepare import PREPARATION_STEPS
from radstudy.protocol.selection import SELECTION_STEPS, FoundSizeSection
from radstudy.signature.document import read_signature
from radstudy.signature.predict import predict_patient
from unit.signature.conftest import write_patient

HERE = Path(__file__).parent
SAMPLES = HERE / "samples"
STUDIES = sorted(file.stem for file in SAMPLES.glob("study_*.yaml"))


def recorded():
    with (HERE / "shipped.csv").open(encoding="utf-8", newline="") as stream:
        return {(row["file"], row["setting"]): row["value"] for row in csv.DictReader(stream)}


def test_a_shipped_version_keeps_every_value():
    now = shipped_values()
    changed = {setting: now.get(setting, "gone") for setting, value in recorded().items() if now.get(setting) != value}
    assert not changed, "a shipped value has changed: undo it, and write a new version of the file beside it"


def test_a_new_setting_of_a_shipped_version_is_recorded():
    """It may be added with the value that leaves results as they were; from then on it stays."""
    assert not shipped_values().keys() - recorded().keys(), "record it: tests/compat/shipped_values.py"


def same(stored, found, at=""):
    """Every value that was there is there, and equal; settings of later versions may stand beside them."""
    if isinstance(stored, dict):
        for name, value in stored.items():
            same(value, found[name], f"{at}.{name}")
    elif isinstance(stored, list):
        assert len(stored) == len(found), at
        for number, (one, other) in enumerate(zip(stored, found, strict=True)):
            same(one, other, f"{at}[{number}]")
    else:
        assert json.dumps(stored) == json.dumps(found), at  # 25 and 25.0 are two keys


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_file_of_before_gives_the_same_protocol(name):
    stored = json.loads((SAMPLES / "protocols.json").read_text(encoding="utf-8"))[name]
    same(stored, load_protocol(SAMPLES / f"{name}.yaml").model_dump(mode="json"))


def test_the_versions_that_are_written_now_mean_the_same():
    text = (SAMPLES / "study_init.yaml").read_text(encoding="utf-8")
    named = text.replace("preset: her2-ihc2plus\n", "schema: 1\npreset: her2-ihc2plus/1\ndefaults: 1\n")
    assert named != text
    old, new = (parse_protocol(each).model_dump(exclude={"schema_", "preset", "defaults"}) for each in (text, named))
    assert old == new


def test_a_study_file_without_versions_has_none_in_its_keys_and_its_report():
    text = (SAMPLES / "study_init.yaml").read_text(encoding="utf-8")
    for by_alias in (True, False):
        assert not {"schema", "schema_", "defaults"} & set(parse_protocol(text).model_dump(by_alias=by_alias))
    assert parse_protocol(f"schema: 1\ndefaults: 1\n{text}").model_dump(by_alias=True)["defaults"] == 1


def test_a_signature_of_before_gives_the_same_probability(tmp_path):
    signature = read_signature(SAMPLES / "signature.json")
    for name, probability in json.loads((SAMPLES / "probabilities.json").read_text(encoding="utf-8")).items():
        write_patient(tmp_path, int(name.removeprefix("p")))
        found = predict_patient(
            signature,
            images={sequence: tmp_path / f"{sequence}.nii.gz" for sequence in ("T2", "DWI")},
            masks={sequence: tmp_path / f"{sequence}_a.nii.gz" for sequence in ("T2", "DWI")},
            clinical={"age": "50", "margin": "smooth"}, outside_range=True,
        )  # fmt: skip
        assert found.probability == pytest.approx(probability, rel=1e-9)


def test_a_study_file_of_a_later_layout_asks_for_a_newer_program():
    with pytest.raises(StudyFileError, match=r"line 2: this study file has the layout 'schema: 2'.*newer radstudy"):
        parse_protocol("study: x\nschema: 2\nsomething_new: 1\n")


@pytest.mark.parametrize("schema", ["0", "one", "-1", "1.5"])
def test_a_layout_that_is_no_number_is_refused(schema):
    with pytest.raises(StudyFileError, match="schema"):
        parse_protocol(f"preset: her2-ihc2plus\nschema: {schema}\n")


def test_a_signature_of_a_later_layout_asks_for_a_newer_program(tmp_path):
    document = json.loads((SAMPLES / "signature.json").read_text(encoding="utf-8"))
    file = tmp_path / "signature.json"
    file.write_text(json.dumps({**document, "format": "radstudy signature 3"}), encoding="utf-8")
    with pytest.raises(RefusedError, match=r"signature\.json has the format 'radstudy signature 3'.*newer radstudy"):
        read_signature(file)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("preset: her2-ihc2plus/2", r"line 1: there is no version '2' of the preset 'her2-ihc2plus'; choose from 1"),
        ("preset: her2-ihc2plus/one", "there is no version 'one'"),
        ("preset: her2-ihc2pls/1", r"there is no preset 'her2-ihc2pls/1'; did you mean 'her2-ihc2plus'\?"),
        ("preset: her2-ihc2plus\ndefaults: 9", r"line 2, defaults: there is no version '9' of the defaults.*newer"),
    ],
)
def test_a_version_that_is_not_there_is_refused_with_its_line(text, says):
    with pytest.raises(StudyFileError, match=says):
        parse_protocol(text + "\n")


# --- a default stands in one place ---------------------------------------------------------------------------------


def fields():
    kinds = [FoundSizeSection, *SELECTION_STEPS, *CLASSIFIERS, *PREPARATION_STEPS]
    for module in (agree, cohort, evaluate, extract, model, reading, site):
        members = [kind for _, kind in inspect.getmembers(module, inspect.isclass)]
        kinds += [kind for kind in members if issubclass(kind, Section) and kind.__module__ == module.__name__]
    for kind in kinds:
        for field, info in kind.model_fields.items():
            if field != "root":  # the one word that there is
                yield f"{kind.__name__}.{field}", info


def test_no_default_of_the_study_stands_in_the_code():
    """What decides something stands in defaults/N.yaml; in code a setting is empty, off, or a section of its own."""
    for name, field in fields():
        factory = field.default_factory
        if factory is None:
            assert field.default is PydanticUndefined or not field.default, f"{name} = {field.default!r} stands in code"
        elif not isinstance(factory, partial):
            assert isinstance(factory, type), name  # a section, or an empty dict


def leaves(values, at=""):
    for name, value in values.items():
        where = f"{at}.{name}" if at else name
        yield from leaves(value, where) if isinstance(value, dict) and where != "extract.images" else [where]


def named_by_code():
    return {info.default_factory.args[0] for _, info in fields() if isinstance(info.default_factory, partial)}


@pytest.mark.parametrize("version", shipped.versions_of_defaults())
def test_every_version_of_the_defaults_has_what_the_code_asks_for_and_nothing_else(version):
    values = shipped._values(shipped.SHIPPED / "defaults" / f"{version}.yaml")
    groups = {"agree.icc", "evaluate.chance", "evaluate.baselines", "evaluate.resampling", "evaluate.resampling.nested"}
    assert set(leaves(values)) == named_by_code() - groups


def test_a_new_version_of_the_defaults_reaches_studies_that_name_it_and_no_others(tmp_path, monkeypatch):
    put_second_versions(tmp_path, monkeypatch)
    text = (SAMPLES / "study_every_step.yaml").read_text(encoding="utf-8")
    first, second = load.parse_protocol(text), load.parse_protocol(f"defaults: 2\n{text}")
    assert (first.extract.bin_width, second.extract.bin_width) == (25, 10)
    assert (first.prepare[0].shrink, second.prepare[0].shrink) == (4, 2)
    assert (first.evaluate.resampling.splits, second.evaluate.resampling.splits) == (1000, 500)
    assert "bin_width" not in second.extract.model_fields_set  # the report says: the program's default
    assert load.parse_protocol(text) == first


def put_second_versions(folder, monkeypatch):
    """Second versions of the preset and of the defaults, beside the shipped ones."""
    for name in {file for file, _ in recorded()}:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((shipped.SHIPPED / name).read_bytes())
    preset = (folder / "presets/her2-ihc2plus/1.yaml").read_text(encoding="utf-8")
    changed = preset.replace("bin_width: 25", "bin_width: 20").replace("above: 0.75", "above: 0.80")
    (folder / "presets/her2-ihc2plus/2.yaml").write_text(changed, encoding="utf-8")
    defaults = (folder / "defaults/1.yaml").read_text(encoding="utf-8")
    changed = defaults.replace("bin_width: 25", "bin_width: 10").replace("n4: {shrink: 4", "n4: {shrink: 2")
    changed = changed.replace("splits: 1000", "splits: 500").replace("interval: profile", "interval: wald")
    (folder / "defaults/2.yaml").write_text(changed, encoding="utf-8")
    monkeypatch.setattr(shipped, "SHIPPED", folder)
