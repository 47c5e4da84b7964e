"""The import's page: what it shows and answers, without a server, and that nothing of it names a patient."""

import json

import pytest
from starlette.datastructures import QueryParams
from starlette.responses import Response

from radstudy.app.lead.flow import stages
from radstudy.app.pages.import_ import IMPORT, ChangeBody, OutcomeTableBody, ReviewAnswersBody, RulesBody
from radstudy.store import plain
from unit.app.lead.imported_study import SECRETS, WOMEN, copy_of, import_again, import_study, pseudonyms
from unit.app.pages.conftest import serving_pages


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    return import_study(tmp_path_factory.mktemp("imported"))


@pytest.fixture
def project(imported, tmp_path):
    return copy_of(imported, tmp_path)


def ask(project, name, **query):
    return IMPORT.asks[name].answer(project, QueryParams(query))


def do(project, name, body):
    return IMPORT.does[name].act(project, body)


def change(project, *answers):
    changes = [ChangeBody(key=key, to=to, was=was) for key, to, was in answers]
    return do(project, "answer", ReviewAnswersBody(changes=changes))


def stage_of(project):
    return stages(project)[0]


def test_an_answer_comes_back_with_its_patients_questions_and_new_counts(project):
    before = ask(project, "questions")
    twins = [one for one in before["questions"] if one["patient"] == pseudonyms(project)["HOSP-4711"]]
    answer = change(project, (twins[0]["key"], " T2WI ", ""), (twins[1]["key"], "t2wi", ""))
    assert answer["changed"] == {twins[0]["key"]: ""}
    assert "Did you mean T2WI" in answer["refused"][twins[1]["key"]]
    assert [(one["key"], one["answer"]) for one in answer["questions"]] == [
        (twins[0]["key"], "T2WI"), (twins[1]["key"], ""),
    ]  # fmt: skip
    assert answer["counts"]["open"] == before["counts"]["open"] - 1


def test_the_stage_says_what_is_to_be_done_next_until_there_is_a_study_file(project):
    assert (stage_of(project).state, stage_of(project).why) == ("ready", "to_review")
    for _ in range(2):  # once an examination is chosen, its volumes have no questions left
        open_ = [one for one in ask(project, "questions")["questions"] if one["open"]]
        given = {}
        for one in open_:
            first = one["patient"] not in given
            given[one["patient"]] = True
            change(project, (one["key"], "last" if one["kind"] == "examination" else "T2WI" if first else "-", ""))
        if open_:
            assert (stage_of(project).state, stage_of(project).why) == ("ready", "to_apply")
            import_again(project)
    assert stage_of(project).why == "to_make"
    made = do(project, "make", OutcomeTableBody())
    assert made["to"].endswith("/protocol")
    assert project.has_study
    assert stage_of(project).state == "done"


def test_a_table_that_was_spoilt_is_named_on_the_page(project):
    (project.images / "review.xlsx").write_bytes(b"not a workbook")
    assert "review.xlsx: the table cannot be read" in IMPORT.show(project)["problem"]
    assert (stage_of(project).state, stage_of(project).why) == ("failed", "review_refused")


def test_nothing_that_the_page_shows_or_answers_names_a_patient(project, tmp_path):
    lines = [f"{name};{patient};{n % 2}" for n, (patient, name) in enumerate(WOMEN.items())]
    (tmp_path / "outcomes.csv").write_text("\n".join(["name;PatientID;her2", *lines]))
    questions = ask(project, "questions")
    patients = pseudonyms(project).values()
    file = str(tmp_path / "outcomes.csv")
    shown = [
        {name: value for name, value in IMPORT.show(project).items() if name != "table"}, questions,
        *(ask(project, "series", patient=patient) for patient in patients),
        *(change(project, (one["key"], to, "")) for one in questions["questions"] for to in ("t2wi", "T2WI", "5")),
        do(project, "preview", OutcomeTableBody(file=file)),
        do(project, "preview", OutcomeTableBody(file=file, outcome="name")),
        do(project, "preview", OutcomeTableBody(file=file, identifier="name")),
        do(project, "rules", RulesBody(source=str(tmp_path / "in"), readers=["{reader}/"])),
    ]  # fmt: skip
    pictures = [ask(project, "picture", volume=one["key"]) for one in questions["questions"] if one["picture"]]
    assert pictures and all(isinstance(one, Response) and one.headers["x-caption"] for one in pictures)
    texts = [json.dumps(plain(one), ensure_ascii=False, default=str) for one in shown]
    files = [path for path in project.folder.rglob("*") if project.private not in path.parents]
    texts += [path.read_text("utf-8") for path in files if path.suffix in (".csv", ".json", ".html", ".yaml")]
    for secret in SECRETS:
        assert not [text[:300] for text in texts if secret in text], secret


def test_the_whole_page_explains_its_words_and_names_no_patient(project):
    project.note_setup(**{"from": "dicom"})
    with serving_pages(project.folder.parent, project) as running:
        answer = running.browser().ask("GET", f"/study/{project.id}/import")
    html = answer.body.decode()
    assert answer.status == 200, html
    assert 'data-means="The part that a series plays in the study' in html
    assert all(patient in html for patient in pseudonyms(project).values())
    assert not [secret for secret in SECRETS if secret in html]
