"""`radstudy upgrade`: what newer versions would change is shown setting by setting; only a yes writes it."""

import pytest
from typer.testing import CliRunner

from compat.test_versions import SAMPLES, put_second_versions
from radstudy.cli import app
from radstudy.errors import StorageError
from radstudy.protocol.load import load_protocol, parse_protocol
from radstudy.protocol.template import template_text, write_template
from radstudy.protocol.upgrade import upgrade_of
from unit.full_disk import full_at

STUDY = """\
# my study
study: x   # its title
preset: her2-ihc2plus      # the paper's
seed: 7

extract:
    bin_width:  10         # ours
evaluate:
  - not yet
"""
STUDY = STUDY[: STUDY.index("evaluate")]


@pytest.fixture
def second(tmp_path, monkeypatch):
    put_second_versions(tmp_path / "shipped", monkeypatch)


def command(*arguments, answer=None):
    return CliRunner().invoke(app, list(map(str, ("upgrade", *arguments))), input=answer)


def written(folder, text=STUDY):
    file = folder / "study.yaml"
    file.write_bytes(text.encode())
    return file


def test_there_is_nothing_newer(tmp_path):
    for text in (STUDY, template_text()):
        file = written(tmp_path, text)
        result = command(file, "--yes")
        assert result.exit_code == 0 and "nothing is newer" in result.stdout
        assert file.read_text() == text


@pytest.mark.usefixtures("second")
def test_every_setting_that_changes_is_shown_and_no_other(tmp_path):
    result = command(written(tmp_path), answer="n\n")
    assert result.exit_code == 0
    assert [line for line in result.stdout.splitlines() if "->" in line] == [
        "preset her2-ihc2plus/1 -> her2-ihc2plus/2",
        "defaults 1 -> 2",
        "  agree.icc.above: 0.75 -> 0.8",
        "  evaluate.regression.interval: profile -> wald",
    ]  # the bin width is the study's own, the preset has N4's settings and the number of splits


@pytest.mark.usefixtures("second")
@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_without_a_yes_nothing_is_written(tmp_path, answer):
    file = written(tmp_path)
    result = command(file, answer=answer)
    assert result.exit_code == 0 and "Nothing was written" in result.output
    assert file.read_text() == STUDY
    assert [item.name for item in tmp_path.iterdir() if item.is_file()] == ["study.yaml"]


@pytest.mark.usefixtures("second")
def test_a_full_disk_leaves_the_study_file_as_it_was(tmp_path):
    file = written(tmp_path)
    found = upgrade_of(file)
    with full_at(60), pytest.raises(StorageError):
        found.write()
    assert file.read_text() == STUDY
    assert [item.name for item in tmp_path.iterdir() if item.is_file()] == ["study.yaml"]


@pytest.mark.usefixtures("second")
@pytest.mark.parametrize(("options", "answer"), [((), "y\n"), (("--yes",), None)])
def test_a_yes_changes_the_versions_and_nothing_else(tmp_path, options, answer):
    file = written(tmp_path)
    assert command(file, *options, answer=answer).exit_code == 0
    assert (tmp_path / "study.kept-1.yaml").read_text() == STUDY
    assert file.read_text() == STUDY.replace("her2-ihc2plus ", "her2-ihc2plus/2 ").replace("seed", "defaults: 2\nseed")
    protocol = load_protocol(file)
    assert (protocol.preset, protocol.defaults, protocol.extract.bin_width) == ("her2-ihc2plus/2", 2, 10)
    assert command(file, "--yes").stdout.endswith("the latest of this radstudy\n")


@pytest.mark.usefixtures("second")
@pytest.mark.parametrize(
    "text",
    [
        STUDY.replace("\n", "\r\n"),
        "{study: x, preset: her2-ihc2plus/1, seed: 7}\n",
        "preset: 'her2-ihc2plus'",
        "study: x\ndefaults: 1 # first\npreset: her2-ihc2plus/1\n",
        (SAMPLES / "study_sarcoma.yaml").read_text(encoding="utf-8"),
        (SAMPLES / "study_minimal.yaml").read_text(encoding="utf-8"),
        "# a remark\n" + (SAMPLES / "study_minimal.yaml").read_text(encoding="utf-8"),
    ],
)
def test_whatever_the_layout_only_the_versions_differ(tmp_path, text):
    file = written(tmp_path, text)
    upgrade = upgrade_of(file)
    assert upgrade is not None
    own = text.replace("\r\n", "\n").splitlines()
    kept = [line for line in own if "preset:" not in line and "defaults:" not in line]
    lines = upgrade.text.replace("\r\n", "\n").splitlines()
    assert [line for line in lines if "preset:" not in line and "defaults:" not in line] == kept
    assert upgrade.text.count("\r\n") in (0, upgrade.text.count("\n"))
    protocol = parse_protocol(upgrade.text)
    assert protocol.defaults == 2
    assert protocol.preset in (None, "her2-ihc2plus/2")


@pytest.mark.usefixtures("second")
def test_a_study_that_the_newer_version_does_not_fit_stays(tmp_path):
    shipped = tmp_path / "shipped/presets/her2-ihc2plus/2.yaml"
    shipped.write_text(shipped.read_text().replace("DCE7: [DCE7]", "DCE9: [DCE9]"))
    file = written(tmp_path)
    result = command(file, "--yes")
    assert "does not fit the newer versions (preset her2-ihc2plus/1 -> her2-ihc2plus/2" in str(result.exception)
    assert file.read_text() == STUDY


@pytest.mark.usefixtures("second")
def test_a_new_study_is_written_with_the_newest_versions(tmp_path):
    study, _ = write_template(tmp_path / "new")
    protocol = load_protocol(study)
    assert (protocol.preset, protocol.defaults, protocol.schema_) == ("her2-ihc2plus/2", 2, 1)
    assert upgrade_of(study) is None
    assert "#   bin_width: 20 " in study.read_text()


def test_a_new_study_writes_its_versions_and_no_setting_of_the_preset():
    text = template_text()
    live = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert {line.split(":")[0] for line in live if line[0] != " "} == {
        "schema", "study", "preset", "defaults", "seed", "cohort"
    }  # fmt: skip
    assert parse_protocol(text).model_dump(exclude={"schema_", "preset", "defaults"}) == parse_protocol(
        (SAMPLES / "study_init.yaml").read_text(encoding="utf-8")
    ).model_dump(exclude={"schema_", "preset", "defaults"})
