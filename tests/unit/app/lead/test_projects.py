import pytest

from radstudy.app.lead.beginning import begin_study
from radstudy.app.lead.projects import NoSuchStudyError, Projects
from radstudy.errors import UsageError


def test_studies_are_found_by_their_files_and_known_by_the_same_id(projects, project):
    assert [one.name for one in projects.all()] == ["small"]
    assert projects.get(project.id) == project
    assert Projects(projects.folder).get(project.id) == project
    with pytest.raises(NoSuchStudyError):
        projects.get("nothing")


def test_a_broken_study_file_is_listed_and_other_files_are_not(projects, project):
    project.study.write_text("cohort: [")
    (project.folder / "other.yaml").write_text("imageType: {Original: {}}\n")
    (project.folder / "second.yml").write_text("study: x\ncohort:\n  table: t.csv\n")
    assert {one.name for one in projects.all()} == {"small", "small · second"}


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", "a:b", ".hidden", "x" * 99, "end."])
def test_a_name_that_is_no_folder_is_refused(projects, name):
    with pytest.raises(UsageError, match="cannot be a folder's name"):
        projects.begin(name)


def test_a_study_begins_in_a_new_folder_and_never_in_an_old_one(projects):
    begun = begin_study(projects, "new one", "files")
    assert begun.has_study and (begun.folder / "cohort.csv").is_file()
    assert begun.setup() == {"from": "files"}
    with pytest.raises(UsageError, match="exists already"):
        begin_study(projects, "new one", "dicom")
    empty = begin_study(projects, "from dicom", "dicom")
    assert not empty.has_study and empty in projects.all()


def test_a_study_of_another_folder_is_opened_and_stays_known(projects, project, tmp_path_factory):
    elsewhere = Projects(tmp_path_factory.mktemp("elsewhere"))
    assert elsewhere.all() == []
    opened = elsewhere.open(project.folder)
    assert Projects(elsewhere.folder).all() == [opened] == [project]
    with pytest.raises(UsageError, match="is no study file"):
        elsewhere.open(elsewhere.folder / "nothing")


def test_a_study_whose_disk_is_away_is_known_again_when_it_is_back(projects, project, tmp_path_factory):
    elsewhere = Projects(tmp_path_factory.mktemp("elsewhere"))
    elsewhere.open(project.folder)
    away = project.folder.rename(project.folder.with_name("away"))
    other = tmp_path_factory.mktemp("other")
    (other / "study.yaml").write_text("study: other\ncohort: {}\n")
    second = elsewhere.open(other)
    assert elsewhere.all() == [second]
    away.rename(project.folder)
    assert set(elsewhere.all()) == {project, second}
