"""The lead's pages in a real browser: for a screen reader, by keyboard, in light and dark, wide and narrow."""

import re

import pytest

from radstudy.app.pages.study_pages import STUDY_PAGES
from unit.app.static.pages import CHROMIUM, browser_or_skip

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe_module = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
WORDS = [page.word for page in STUDY_PAGES]


@pytest.fixture(scope="module")
def browser():
    browser_or_skip()
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


def entered(browser, pages, **context):
    """A page that has entered, and what went wrong in it."""
    page = browser.new_context(**{"viewport": {"width": 1366, "height": 768}, **context}).new_page()
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(f"{pages.url}/#{pages.token()}")
    page.wait_for_url("**/home")
    return page, problems


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.long)])
def test_axe_finds_nothing_serious_and_no_module_fails(browser, pages, scheme):
    page, problems = entered(browser, pages, color_scheme=scheme)
    for path in ("/home", *(f"/study/{pages.project.id}/{word}" for word in WORDS)):
        page.goto(pages.url + path)
        page.wait_for_load_state("networkidle")
        found = axe_module.Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")] == []
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, path
    assert problems == []


def test_a_narrow_page_needs_no_scrolling_sideways(browser, pages):
    page, _ = entered(browser, pages, viewport={"width": 390, "height": 800})
    for path in ("/home", *(f"/study/{pages.project.id}/{word}" for word in WORDS)):
        page.goto(pages.url + path)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path


def test_a_study_is_begun_by_keyboard(browser, own_pages):
    page, problems = entered(browser, own_pages)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("[data-begin=files]").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    page.keyboard.type("by keyboard")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/study/[0-9a-f]+/overview"))
    assert (own_pages.projects.folder / "by keyboard" / "study.yaml").is_file()
    assert page.locator("h1").inner_text() == "by keyboard"
    page.goto(f"{own_pages.url}/home")
    page.evaluate(
        "() => { requestAnimationFrame = (draw) => setTimeout(draw, 400) }"
    )  # who types before the next frame
    page.locator("[data-begin=files]").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("by keyboard", delay=100)
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog .problem:not(:empty)")
    assert "exists already" in page.locator("dialog .problem").inner_text()
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    assert [one for one in problems if "422" not in one] == []


def test_a_run_is_started_watched_and_its_message_is_shown(browser, own_pages):
    page, problems = entered(browser, own_pages)
    (own_pages.project.folder / "P3.nii.gz").write_bytes(b"no image")
    page.goto(f"{own_pages.url}/study/{own_pages.project.id}/run")
    page.locator("#until").select_option("cohort")
    page.locator("#processes").fill("1")
    page.locator("#start button").click()
    page.wait_for_selector(".job-failed", timeout=60_000)
    assert "case(s) could not be used" in page.locator(".job-what").inner_text()
    assert page.locator(".job code").inner_text().startswith("radstudy run ")
    page.wait_for_selector(".failures li")
    assert "P3" in page.locator(".failures li").first.inner_text()
    assert [one for one in problems if "404" not in one] == []
