"""The page for one patient in a real browser: filled in, predicted, refused, on a telephone and for a screen reader."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from radstudy.signature.predict import shown
from unit.app.static.pages import CHROMIUM, browser_or_skip, context_of

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")


@pytest.fixture(scope="module")
def browser():
    browser_or_skip()
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(params=[(1280, 900), (390, 844)], ids=["desk", "telephone"])
def size(request):
    return request.param


@pytest.fixture
def context(browser, size):
    with context_of(browser, width=size[0], height=size[1]) as context:
        yield context


def opened(context, service, complaints):
    """The page, entered by the link."""
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"http://127.0.0.1:{service.port}/#{service.token}")
    page.locator("form").wait_for()
    assert service.token not in page.url
    return page


def violations(page):
    """What axe-core finds, WCAG 2.2 A and AA and its best practices."""
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    source = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    page.evaluate(source)  # by the debugger: the policy of the page lets no other script in
    return [one["id"] + ": " + one["nodes"][0]["html"] for one in page.evaluate("axe.run()")["violations"]]


def is_too_wide(page):
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def test_values_are_filled_in_and_predicted(context, values_service):
    complaints = []
    page = opened(context, values_service, complaints)
    assert "Research use only, not a medical device. Not for decisions about care." in page.locator("main").inner_text()
    page.get_by_role("button", name="Predict").click()
    assert "Still to give: age (years), margin." in page.get_by_role("status").inner_text()
    page.get_by_label("age (years)").fill("50")
    page.get_by_label("margin").select_option("rough")
    assert violations(page) == []
    page.get_by_role("button", name="Predict").click()
    page.get_by_role("heading", name="Result").wait_for()
    expected = values_service.client.values(clinical={"age": 50, "margin": "rough"}).json
    text = page.locator(".result").inner_text()
    assert shown(expected["probability"]) in text and "No reason found against applying the model" in text
    assert "Research use only" in text and "clinical:age" in text
    assert page.evaluate("document.activeElement.textContent") == "Result"
    assert violations(page) == [] and not is_too_wide(page)
    page.get_by_label("age (years)").fill("51")
    assert page.locator(".result").count() == 0  # never beside values that it is not of
    assert complaints == []


def test_a_refusal_has_its_reasons_and_can_be_overruled(context, values_service):
    complaints = []
    page = opened(context, values_service, complaints)
    page.get_by_label("age (years)").fill("190")
    page.get_by_label("margin").select_option("rough")
    page.get_by_role("button", name="Predict").click()
    page.get_by_role("heading", name="Result").wait_for()
    text = page.locator(".result").inner_text()
    assert "No probability is given." in text and "clinical:age=190" in text and "log-odds" in text
    assert violations(page) == [] and not is_too_wide(page)
    page.get_by_label("Give the probability even if").check()
    page.get_by_role("button", name="Predict").click()
    page.locator(".big").wait_for()
    assert "its accuracy is unknown" in page.locator(".result").inner_text()
    assert [line for line in complaints if "422" not in line] == []  # the browser notes the refused request


def test_images_are_sent_and_predicted_and_the_result_is_saved(context, images_service, patient, tmp_path):
    complaints = []
    page = opened(context, images_service, complaints)
    asked = patient(2)
    for name in ("T2", "DWI"):
        box = page.get_by_role("group", name=name, exact=True)
        box.get_by_label("Image").set_input_files(asked["images"][name])
        box.get_by_label("Mask of the lesion").set_input_files(asked["masks"][name])
    page.get_by_label("age (years)").fill(asked["clinical"]["age"])
    page.get_by_label("margin").select_option(asked["clinical"]["margin"])
    assert violations(page) == [] and not is_too_wide(page)
    page.get_by_role("button", name="Predict").click()
    page.locator(".big").wait_for()
    last = images_service.audit[-1]
    assert (last["kind"], last["verdict"]) == ("images", "predicted")
    assert last["request"] in page.locator(".result").inner_text()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save this result").click()
    saved.value.save_as(tmp_path / "prediction.html")
    kept = (tmp_path / "prediction.html").read_text(encoding="utf-8")
    assert page.locator(".big").inner_text() in kept and "Research use only" in kept and "<script" not in kept
    assert violations(page) == [] and complaints == []


def test_a_wrong_file_is_told_by_its_field(context, images_service, patient, tmp_path):
    page = opened(context, images_service, [])
    asked = patient(2)
    (tmp_path / "T2.txt").write_text("no image")
    for name in ("T2", "DWI"):
        box = page.get_by_role("group", name=name, exact=True)
        box.get_by_label("Image").set_input_files(tmp_path / "T2.txt" if name == "T2" else asked["images"][name])
        box.get_by_label("Mask of the lesion").set_input_files(asked["masks"][name])
    page.get_by_label("age (years)").fill("50")
    page.get_by_label("margin").select_option("rough")
    page.get_by_role("button", name="Predict").click()
    page.get_by_role("heading", name="Result").wait_for()
    assert "image:T2 is not an image file of a type that is read" in page.locator(".result").inner_text()


def test_an_old_link_says_what_to_do(context, values_service):
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{values_service.port}/#wrong")
    page.get_by_text("start 'radstudy serve' again for a new one").wait_for()
    page.goto(f"http://127.0.0.1:{values_service.port}/?again")
    page.get_by_text("Open this page with the link").wait_for()


def test_the_texts_of_the_page_are_those_of_the_catalogue(values_service):
    answer = values_service.client.ask("GET", "/static/strings.json")
    assert set(json.loads(answer.body)) == {"predict"}
