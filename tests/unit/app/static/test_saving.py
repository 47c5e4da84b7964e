"""No stroke is lost or overwritten: server down, answer lost, browser killed, two tabs, a mask changed elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from unit.app.static.harness import Harness, problem
from unit.app.static.pages import CHROMIUM, RoomPage, browser_or_skip, context_of, kill_browser, wait_for
from unit.app.static.test_drawing import around, case_on

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
GRID = "2.7 x 2.7 x 4"


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    browser_or_skip()
    with sync_api.sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    yield running
    running.close()


def draw(room: RoomPage, seed: int) -> None:
    """One contour; it is another one for another seed."""
    room.drag(around(room, 40 + 12 * seed, 25, seed=seed))


def test_strokes_wait_for_a_server_that_is_down_and_the_page_says_so(browser: Browser) -> None:
    with Harness(case_on(GRID)) as harness, context_of(browser) as context:
        room = RoomPage.open(context, harness)
        harness.case.down = True
        for seed in range(3):
            draw(room, seed)
        wait_for(lambda: room.state("saveState") == "unsaved", "the page to say that nothing is saved")
        assert room.page.locator(".saved").inner_text() == "NOT SAVED: 3"
        assert not harness.case.named("T2WI").strokes
        harness.case.down = False
        room.page.locator(".saved").click()
        np.testing.assert_array_equal(room.stored("T2WI"), room.codes("T2WI"))
        assert [stroke["revision"] for stroke in harness.case.named("T2WI").strokes] == [0, 1, 2]
        wait_for(lambda: room.page.locator(".saved").inner_text() == "Saved", "the page to say that all is saved")


def test_a_lost_answer_stores_a_stroke_once(browser: Browser) -> None:
    with Harness(case_on(GRID)) as harness, context_of(browser) as context:
        room = RoomPage.open(context, harness)
        harness.case.silent_after = True
        draw(room, 0)
        draw(room, 1)
        np.testing.assert_array_equal(room.stored("T2WI"), room.codes("T2WI"))
        assert [stroke["revision"] for stroke in harness.case.named("T2WI").strokes] == [0, 1]
        assert room.page.locator(".notice").count() == 0


@pytest.mark.long
def test_a_mask_changed_elsewhere_is_loaded_again_and_the_reader_decides(browser: Browser) -> None:
    for button, kept in (("Leave them out", False), ("Draw them on top", True)):
        with Harness(case_on(GRID)) as harness, context_of(browser) as context:
            room = RoomPage.open(context, harness)
            elsewhere = {"revision": 0, "tool": "contour", "runs": [[5, 3, 1]], "view": {}}
            harness.case.named("T2WI").draw(elsewhere)
            draw(room, 0)
            own = room.codes("T2WI") > 0
            assert own.any()
            room.page.locator(".notice", has_text="changed elsewhere").wait_for()
            codes = room.codes("T2WI")
            assert np.count_nonzero(codes) == 3
            np.testing.assert_array_equal(harness.case.named("T2WI").volume, codes)
            room.page.locator(".notice button", has_text=button).click()
            stored = room.stored("T2WI")
            assert np.count_nonzero(stored) == 3 + (own.sum() if kept else 0)
            np.testing.assert_array_equal(room.codes("T2WI"), stored)
            draw(room, 2)
            np.testing.assert_array_equal(room.stored("T2WI"), room.codes("T2WI"))


def test_a_second_tab_takes_over_and_the_first_writes_nothing_more(browser: Browser) -> None:
    with Harness(case_on(GRID)) as harness, context_of(browser) as context:
        first = RoomPage.open(context, harness)
        draw(first, 0)
        first.saved()
        second = RoomPage.open(context, harness, ready=False)
        wait_for(lambda: second.page.evaluate("Boolean(window.refused?.held)"), "the second tab to be told")
        second.page.evaluate("void window.takeOver()")
        second.wait()
        draw(second, 1)
        second.saved()
        first.page.bring_to_front()
        draw(first, 2)
        first.page.locator(".notice", has_text="taken over").wait_for()
        assert first.state("readOnly")
        draw(first, 3)
        np.testing.assert_array_equal(second.stored("T2WI"), second.codes("T2WI"))
        assert len(harness.case.named("T2WI").strokes) == 2


def test_a_reload_finds_the_same_tab(browser: Browser) -> None:
    with Harness(case_on(GRID)) as harness, context_of(browser) as context:
        room = RoomPage.open(context, harness)
        draw(room, 0)
        drawn = room.stored("T2WI")
        room.page.reload()
        room.wait()
        np.testing.assert_array_equal(room.codes("T2WI"), drawn)
        draw(room, 1)
        np.testing.assert_array_equal(room.stored("T2WI"), room.codes("T2WI"))


def test_a_killed_browser_keeps_the_strokes_that_the_server_has_not(playwright: Playwright, tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    options = {"executable_path": CHROMIUM, "args": ["--no-sandbox"], "viewport": {"width": 1366, "height": 768}}
    with Harness(case_on(GRID)) as harness:
        context = playwright.chromium.launch_persistent_context(str(profile), **options)
        room = RoomPage.open(context, harness)
        draw(room, 0)
        first = room.stored("T2WI")
        harness.case.down = True
        draw(room, 1)
        wait_for(lambda: room.state("saveState") == "unsaved", "the stroke to wait")
        second = room.codes("T2WI")
        draw(room, 2)
        drawn = room.codes("T2WI")
        kill_browser(profile)
        with contextlib.suppress(sync_api.Error):
            context.close()
        harness.case.down = False
        harness.case.holder = None
        context = playwright.chromium.launch_persistent_context(str(profile), **options)
        room = RoomPage.open(context, harness)
        kept = drawn if np.array_equal(room.codes("T2WI"), drawn) else second  # the last stroke may be lost
        np.testing.assert_array_equal(room.codes("T2WI"), kept)
        np.testing.assert_array_equal(room.stored("T2WI"), kept)
        assert "recovered" in room.page.locator(".notice").first.inner_text()
        for _ in range(2 if kept is drawn else 1):
            room.page.keyboard.press("Control+z")
        np.testing.assert_array_equal(room.stored("T2WI"), first)
        context.close()


def test_closing_waits_for_the_last_stroke_and_tells_what_is_missing(browser: Browser) -> None:
    with Harness(case_on(GRID)) as harness, context_of(browser) as context:
        room = RoomPage.open(context, harness)
        harness.case.missing = [missing := problem("DWI: visible?", sequence="DWI")]
        draw(room, 0)
        room.page.locator("button", has_text="Close case").click()
        room.page.locator(".notice", has_text="DWI: visible?").wait_for()
        assert room.page.evaluate("window.missing") == [missing]
        harness.case.missing = []
        harness.case.down = True
        draw(room, 1)
        room.page.locator("button", has_text="Close case").click()
        room.page.locator(".notice", has_text="not saved yet").wait_for()
        harness.case.down = False
        room.saved()
        room.page.locator("button", has_text="Close case").click()
        wait_for(lambda: room.page.evaluate("window.left?.how") == "closed", "the case to be closed")
        assert len(harness.case.named("T2WI").strokes) == 2


@pytest.mark.long
def test_a_browser_killed_in_mid_stroke_loses_that_stroke_and_at_most_one_more(
    playwright: Playwright, tmp_path: Path
) -> None:
    """Twenty kills, the server answering slowly or not at all; the last finished stroke may still be on its way."""
    options = {"executable_path": CHROMIUM, "args": ["--no-sandbox"], "viewport": {"width": 1366, "height": 768}}
    with Harness(case_on(GRID)) as harness:
        lost = []
        finished: list[np.ndarray] = []
        for kill in range(20):
            context = playwright.chromium.launch_persistent_context(str(tmp_path / "profile"), **options)
            harness.case.holder, harness.case.down, harness.case.delay_s = None, False, 0.0
            room = RoomPage.open(context, harness)
            here = room.stored("T2WI")
            np.testing.assert_array_equal(room.codes("T2WI"), here)
            lost += (
                [len(finished) - 1 - max(n for n, old in enumerate(finished) if (old == here).all())]
                if finished
                else []
            )
            finished = [here]
            harness.case.down, harness.case.delay_s = kill % 3 == 2, 0.3 * (kill % 2)
            for n in range(3):
                draw(room, (kill + n) % 5)
                finished.append(room.codes("T2WI"))
                room.page.keyboard.press("t")
            points = around(room, 70, 9, seed=kill)
            room.page.mouse.move(*points[0])
            room.page.mouse.down()
            room.page.mouse.move(*points[1])
            kill_browser(tmp_path / "profile")
            with contextlib.suppress(sync_api.Error):
                context.close()
        assert len(lost) == 19
        assert max(lost) <= 1, lost
