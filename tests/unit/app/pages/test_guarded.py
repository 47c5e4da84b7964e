"""Nothing is heard without the cookie; a report is shut off from the pages; no path of a browser reaches the disk."""

import re

import pytest

from radstudy.app.pages.study_pages import STUDY_PAGES

WORDS = [page.word for page in STUDY_PAGES]


def test_nothing_but_the_entry_is_sent_without_a_cookie(pages):
    stranger = pages.browser()
    stranger.cookie = ""
    study = pages.project.id
    assert stranger.ask("GET", "/").status == 200
    for path in (
        "/home",
        "/api/me",
        "/api/places",
        f"/study/{study}/run",
        "/static/app/app.js",
        f"/api/study/{study}/results/file",
    ):
        assert stranger.ask("GET", path).status == 401
    for page in STUDY_PAGES:
        for name in page.does:
            assert stranger.ask("POST", f"/api/study/{study}/{page.word}/{name}", {}).status == 401


def test_a_request_of_another_site_is_refused(pages):
    lead = pages.browser()
    assert lead.ask("POST", "/api/begin", {"name": "x", "begin": "files"}, Origin="http://evil.example").status == 403
    assert lead.ask("GET", "/home", Host="evil.example").status == 403
    assert not (pages.projects.folder / "x").exists()


@pytest.mark.parametrize("word", WORDS)
def test_every_page_is_shown_and_an_unknown_study_is_not_found(pages, word):
    lead = pages.browser()
    answer = lead.ask("GET", f"/study/{pages.project.id}/{word}")
    assert answer.status == 200 and b"</html>" in answer.body
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert lead.ask("GET", f"/study/{'0' * 12}/{word}").status == 404


def test_a_page_has_no_script_or_style_of_its_own(pages):
    lead = pages.browser()
    for path in ("/home", *(f"/study/{pages.project.id}/{word}" for word in WORDS)):
        html = lead.ask("GET", path).body.decode()
        assert not re.search(r"<script(?![^>]*(src=|type=\"application/json\"))", html), path
        assert not re.search(r"<style|\sstyle=|\son\w+=", html), path


def test_the_report_is_shut_off_and_no_other_file_is_given(own_pages):
    lead, run = own_pages.browser(), own_pages.project.run
    run.mkdir(parents=True)
    (run / "report.html").write_text("<script>document.title=1</script>")
    (run.parent / "secret.txt").write_text("secret")
    file = f"/api/study/{own_pages.project.id}/results/file"
    answer = lead.ask("GET", file)
    assert (answer.status, answer.body) == (200, b"<script>document.title=1</script>")
    assert answer.headers["content-security-policy"].startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in answer.headers["content-security-policy"]
    for name in ("../secret.txt", "../../study.yaml", "/etc/passwd", "cohort/rows.csv", "report.html%00"):
        answer = lead.ask("GET", f"{file}?name={name}")
        assert answer.status == 422 and b"secret" not in answer.body


def test_sealed_results_say_what_is_missing_before_they_can_be_opened(own_pages):
    lead, study = own_pages.browser(), own_pages.project
    study.study.write_text(study.study.read_text() + "evaluate: {sealed: true}\n")
    page = lead.ask("GET", f"/study/{study.id}/results").body.decode()
    assert "no primary model is declared" in page and "the models have not been fitted" in page
    assert 'id="unseal"' not in page and f"radstudy unseal {study.study}" in page
    answer = lead.ask("POST", f"/api/study/{study.id}/results/unseal", {})
    assert answer.status == 422
    run_page = lead.ask("GET", f"/study/{study.id}/run").body.decode().partition('id="texts"')[0]
    assert "will be shown as soon as" not in run_page


def test_a_reader_s_link_opens_no_page_of_the_lead(pages):
    reader = pages.browser()
    reader.cookie = ""
    assert reader.enter(pages.doorkeeper.launch(role="reader", reader="anna")).status == 200
    assert reader.ask("GET", "/home").status == 403
    assert reader.ask("POST", "/api/begin", {"name": "y", "begin": "files"}).status == 403
