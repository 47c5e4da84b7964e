"""The import's command line, what is kept of its choices, and what is tried beforehand."""

import json
import stat
import zipfile

import pytest

from radstudy.app.lead import importing
from radstudy.app.lead.importing import ImportChoices
from radstudy.app.lead.projects import STUDY, Project
from radstudy.cli.commands.import_ import COMMAND
from radstudy.errors import DataError, UsageError
from radstudy.intake.connect import asked_for
from unit.intake.servers import Archive, free_port, pacs, served


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path / "study" / STUDY)


@pytest.fixture
def started(monkeypatch):
    """The commands that would have been started."""
    jobs = []
    monkeypatch.setattr(
        importing, "start_job", lambda project, kind, arguments, **more: jobs.append((kind, arguments, more))
    )
    return jobs


def test_the_command_has_each_choice_under_the_name_of_the_option(project):
    choices = ImportChoices(
        "dimse://PACS@10.0.0.5:104", ("a/{reader}/", "creator:{reader}"), "first", "/r.yaml", "/p/asked/1.txt", "",
        "ME", 11112, "10.0.0.7", ("B@10.0.0.6",),
    )  # fmt: skip
    arguments = importing.import_arguments(project, choices, dry_run=True)
    assert arguments == [
        "import", "dimse://PACS@10.0.0.5:104", "--out", str(project.images), "--readers", "a/{reader}/", "--readers",
        "creator:{reader}", "--examination", "first", "--rules", "/r.yaml", "--patient", "@/p/asked/1.txt",
        "--own-title", "ME", "--move-port", "11112", "--move-address", "10.0.0.7", "--move-from",
        "B@10.0.0.6", "--dry-run",
    ]  # fmt: skip
    options = {name.partition(" ")[0] for name in arguments if name.startswith("--")}
    code = COMMAND.function.__code__
    assert {name.removeprefix("--").replace("-", "_") for name in options} <= set(code.co_varnames[: code.co_argcount])


def test_what_a_server_is_asked_for_is_in_the_private_folder_and_nowhere_else(project, started):
    file = importing.keep_asked(project, " 4711* ")
    assert importing.keep_asked(project, "4711*") == file != importing.keep_asked(project, "4712")
    assert importing.keep_asked(project, "*") == importing.keep_asked(project, "") == ""
    assert stat.S_IMODE((project.private / "asked" / "1.txt").stat().st_mode) == 0o600
    assert asked_for("@" + file) == "4711*"
    importing.start_import(project, ImportChoices("dimse://PACS@10.0.0.5:104", patient=file))
    ((kind, arguments, more),) = started
    assert (kind, more["works_in"]) == ("import", project.images)
    assert "@" + file in arguments
    outside = [path.read_text() for path in project.folder.rglob("*.json")]
    assert outside and not [text for text in [*outside, json.dumps(arguments)] if "4711" in text]


def test_a_server_is_never_asked_for_everyone_by_an_empty_field():
    server = ImportChoices("https://pacs.example.org/dicom-web")
    with pytest.raises(UsageError, match=r"or \* for everyone"):
        importing.require_asked(server, " ", "")
    importing.require_asked(server, "*", "")
    importing.require_asked(ImportChoices("/a/folder"), "", "")


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        (ImportChoices(" "), "choose where the images come from"),
        (ImportChoices("/no/such/folder"), "there is no /no/such/folder"),
        (ImportChoices("dimse://PACS"), "not the address of a PACS"),
        (ImportChoices("https://me:secret@host/dicom-web"), "holds a password"),
        (ImportChoices(".", ("annotations/",)), "exactly once"),
        (ImportChoices(".", examination="both"), "no choice of an examination"),
    ],
)
def test_choices_that_cannot_work_are_refused_before_anything_is_kept(project, started, choices, says):
    with pytest.raises(UsageError, match=says) as refused:
        importing.start_import(project, choices)
    assert "secret" not in str(refused.value)
    assert not started
    assert not project.folder.exists()


def test_each_source_is_kept_and_a_dry_run_is_none(project, started, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    importing.start_import(project, ImportChoices(str(tmp_path / "one"), ("{reader}.dcm",)))
    importing.start_import(project, ImportChoices(str(tmp_path / "two")), dry_run=True)
    assert [one.source for one in importing.sources_of(project)] == [str(tmp_path / "one")]
    assert importing.choices_of(project).source == str(tmp_path / "two")
    importing.start_import(project, ImportChoices(str(tmp_path / "two")))
    importing.apply_answers(project, 1)
    assert started[-1][1] == started[0][1]  # the same command, readers' rules included
    with pytest.raises(UsageError, match="nothing has been imported"):
        importing.apply_answers(project, 2)


def test_rules_are_tried_on_file_names_and_only_counts_come_back(tmp_path):
    for number in range(3):
        for reader in ("Anna", "Ben"):
            folder = tmp_path / "in" / f"SECRET^NAME{number}" / "drawings" / reader
            folder.mkdir(parents=True)
            (folder / "T2.dcm").touch()
    rules = ["drawings/{reader}/", "in_{reader}.dcm", "creator:{reader}"]
    fit = importing.rules_fit(str(tmp_path / "in"), rules)
    assert [(one.files, one.readers) for one in fit.rules] == [(6, (3, 3)), (0, ()), (None, ())]
    assert (fit.looked_at, fit.all_files) == (6, True)
    wrong = importing.rules_fit(str(tmp_path / "in"), ["{reader}/drawings/*"])
    assert "SECRET" not in str(wrong)
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for file in (tmp_path / "in").rglob("*.dcm"):
            archive.write(file, file.relative_to(tmp_path / "in"))
    assert importing.rules_fit(str(tmp_path / "in.zip"), rules) == fit


def test_a_connection_is_tested_without_asking_for_a_patient(tmp_path):
    from unit.intake import synthetic

    synthetic.write(tmp_path / "in", synthetic.t2(slices=2))
    archive = Archive(synthetic, tmp_path / "in")
    with served(archive) as client:
        assert importing.services(ImportChoices(client._web.url)) == ("QIDO-RS",)
    assert archive.asked == ["/dicom-web/studies?limit=1"]
    with pacs(archive) as one:
        address = f"dimse://TESTPACS@127.0.0.1:{one.port}"
        assert importing.services(ImportChoices(address)) == ("C-FIND", "C-GET", "C-MOVE")
    with pytest.raises(DataError, match="does not accept an association"):
        importing.services(ImportChoices(f"dimse://TESTPACS@127.0.0.1:{free_port()}"))
    with pytest.raises(UsageError, match="file or folder"):
        importing.services(ImportChoices(str(tmp_path)))
