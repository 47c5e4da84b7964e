"""The protocol's page: by requests, and in a real browser by keyboard alone."""

import json
import re

import pytest

from radstudy.app.pages.study_pages import STUDY_PAGES
from unit.app.pages.test_in_browser import axe_module, browser, entered  # noqa: F401 - the fixture

ASKED = {"deed": "set", "place": ["extract", "bin_width"], "value": "30"}


def post(lead, pages, name, **body):
    return lead.ask("POST", f"/api/study/{pages.project.id}/protocol/{name}", body)


def test_an_edit_is_shown_counted_and_written_only_when_it_is_saved(own_pages):
    lead, file = own_pages.browser(), own_pages.project.study
    before = file.read_text()
    form = json.loads(post(lead, own_pages, "form", edits=[ASKED]).body)
    assert form["may_save"] and not form["is_other"]
    assert re.search(r'class="line changed".*?extract: \{bin_width: 30\}', form["html"])
    assert json.loads(post(lead, own_pages, "counts", edits=[ASKED]).body)["models"] == 1
    assert file.read_text() == before
    saved = json.loads(post(lead, own_pages, "save", version=form["version"], edits=[ASKED]).body)
    assert saved["is_written"] and saved["lines"] == ["study.yaml line 12: extract: {bin_width: 30}"]
    assert file.read_text() == before.replace("agree: {icc", "extract: {bin_width: 30}\nagree: {icc")
    again = json.loads(post(lead, own_pages, "save", version=form["version"], edits=[ASKED]).body)
    assert not again["is_written"] and again["theirs"] == file.read_text()


def test_what_is_wrong_is_said_and_not_written(own_pages):
    lead, file = own_pages.browser(), own_pages.project.study
    before = file.read_text()
    wrong = {**ASKED, "value": "-3"}
    form = json.loads(post(lead, own_pages, "form", edits=[wrong]).body)
    assert (form["problems"], form["may_save"]) == (1, False)
    assert "this should be greater than 0 (given: -3)" in form["html"]
    saved = json.loads(post(lead, own_pages, "save", version=form["version"], edits=[wrong]).body)
    assert not saved["is_written"] and saved["problems"]
    for edit in ({**ASKED, "place": ["nothing"]}, {**ASKED, "deed": "remove"}, {**ASKED, "deed": "steal"},
                 {**ASKED, "place": []}, {**ASKED, "place": [True]}):  # fmt: skip
        assert post(lead, own_pages, "form", edits=[edit]).status == 422
    assert file.read_text() == before


def test_a_broken_file_opens_with_its_text_and_its_errors(own_pages):
    own_pages.project.study.write_text("study: [1\n")
    page = own_pages.browser().ask("GET", f"/study/{own_pages.project.id}/protocol").body.decode()
    assert "this is not YAML" in page and "study: [1" in page


def test_a_study_without_a_file_gets_one(own_pages):
    lead, file = own_pages.browser(), own_pages.project.study
    own_pages.project.note_setup()
    file.unlink()
    (own_pages.project.folder / "cohort.csv").unlink()
    assert b'id="begin"' in lead.ask("GET", f"/study/{own_pages.project.id}/protocol").body
    assert post(lead, own_pages, "begin").status == 200
    assert "preset: her2-ihc2plus/1" in file.read_text()
    assert post(lead, own_pages, "begin").status == 422


def test_the_sample_size_is_that_of_the_command(own_pages):
    asked = {"patients": [60, 200], "prevalence": 0.4, "auc": 0.75}
    planned = json.loads(post(own_pages.browser(), own_pages, "sample", **asked).body)
    assert "1,218 candidate features" in planned["text"]
    assert planned["command"].endswith("--patients 60,200 --prevalence 0.4 --auc 0.75 --repeats 0")
    assert "protocol" in [page.word for page in STUDY_PAGES]


@pytest.fixture
def form(browser, own_pages):  # noqa: F811
    page, problems = entered(browser, own_pages)
    page.goto(f"{own_pages.url}/study/{own_pages.project.id}/protocol")
    page.wait_for_selector("#counts:not(:empty)")
    yield page
    assert [one for one in problems if "422" not in one] == []


def serious(page):
    found = axe_module.Axe().run(page).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]


@pytest.mark.long
def test_the_form_is_filled_in_by_keyboard_alone(form, own_pages):
    press = form.keyboard.press
    form.locator("#search").focus()
    form.keyboard.type("bin width")
    assert form.locator("#hits").inner_text() == "2 settings"
    form.get_by_label("Bin width", exact=True).focus()
    press("Control+A")
    form.keyboard.type("30")
    press("Tab")
    form.wait_for_selector(".line.changed")
    assert form.locator(".line.changed code").all_inner_texts() == ["extract: {bin_width: 30}"]
    form.locator("#search").focus()
    press("Control+A")
    press("Delete")
    form.locator("nav.parts a[data-part=model]").focus()
    press("Enter")
    form.locator("section[data-part=model] select[id$=-new]").first.focus()
    form.keyboard.type("LASSO")
    press("Tab")
    press("Enter")
    form.wait_for_selector(".step >> text=LASSO")
    press("Control+s")
    form.wait_for_selector(".notice.good")
    text = own_pages.project.study.read_text()
    assert "extract: {bin_width: 30}" in text and "select: [{impute: median}, {lasso: {}}]" in text
    up = form.get_by_label("Move LASSO up")
    up.focus()
    press("Enter")
    form.wait_for_selector(".line.changed")
    assert form.evaluate("document.activeElement.ariaLabel") == "Move LASSO down"
    press("Control+s")
    form.wait_for_selector("#save[disabled]")
    assert "select: [{lasso: {}}, {impute: median}]" in own_pages.project.study.read_text()
    assert serious(form) == []


@pytest.mark.long
def test_errors_stand_at_their_field_and_lead_there(form, own_pages):
    form.locator("nav.parts a[data-part=extract]").click()
    form.get_by_label("Bin width", exact=True).fill("x")
    form.get_by_label("Bin width", exact=True).press("Tab")
    form.wait_for_selector(".card.bad")
    assert form.locator("#save").is_disabled()
    assert serious(form) == []
    form.locator("nav.parts a[data-part=study]").click()
    form.locator("[data-goto]").click()
    field = form.get_by_label("Bin width", exact=True)
    assert field.evaluate("one => one === document.activeElement")
    assert field.get_attribute("aria-invalid") == "true"
    form.locator(".setting.invalid [data-deed=reset]").click()
    form.wait_for_selector(".card.bad", state="detached")
    assert "bin_width" not in own_pages.project.study.read_text()


@pytest.mark.long
def test_two_leads_are_asked_what_becomes_of_their_changes(form, own_pages):
    file = own_pages.project.study
    form.locator("nav.parts a[data-part=study]").click()
    form.get_by_label("Seed", exact=True).fill("7")
    form.get_by_label("Seed", exact=True).press("Tab")
    form.wait_for_selector(".line.changed")
    theirs = file.read_text().replace("a small study", "theirs")
    file.write_text(theirs)
    form.locator("#save").click()
    form.wait_for_selector("dialog[open]")
    assert "study: theirs" in form.locator("dialog pre").first.inner_text()
    assert file.read_text() == theirs
    form.get_by_role("button", name="Go on from their file with my changes").click()
    form.wait_for_selector("dialog", state="detached")
    form.locator("#save:not([disabled])").click()
    form.wait_for_selector(".notice.good")
    assert "study: theirs" in file.read_text() and "seed: 7" in file.read_text()


@pytest.mark.long
def test_the_text_is_written_by_hand_and_a_broken_one_is_mended(browser, own_pages):  # noqa: F811
    file = own_pages.project.study
    good = file.read_text()
    file.write_text(good.replace("sequences: [T2]", "sequences: [T2"))
    page, _ = entered(browser, own_pages)
    page.goto(f"{own_pages.url}/study/{own_pages.project.id}/protocol")
    assert "this is not YAML" in page.locator(".card.bad").inner_text()
    page.locator("#write").click()
    page.locator("textarea").fill(good)
    page.get_by_role("button", name="Take it over").click()
    page.wait_for_selector("section.part")
    page.locator("#save:not([disabled])").click()
    page.wait_for_selector(".notice.good")
    assert file.read_text() == good
