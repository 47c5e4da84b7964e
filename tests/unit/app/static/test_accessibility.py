"""Contrast, names for screen readers and a visible focus on every page, as a real browser lays it out.

Contrast is WCAG 2.2's, 1.4.3: 4.5 for text, 3 for large text; controls that are switched off are exempt.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from unit.app.static.pages import CHROMIUM, context_of, wait_for
from unit.app.static.study_server import StudyServer, arbiter_study, lead_study, reader_study

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

PLACES = {
    "worklist": (reader_study, "#/worklist/masks"),
    "drawing": (reader_study, "#/case/masks/M-PQ4D"),
    "form": (reader_study, "#/case/characteristics/C-PR01"),
    "arbitration": (arbiter_study, "#/worklist/arbitration"),
    "lead": (lead_study, "#/lead"),
}

LOW_CONTRAST = """() => {
  const parse = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
    return [r, g, b, a];
  };
  const over = ([r, g, b, a], under) => [r, g, b].map((one, n) => one * a + under[n] * (1 - a));
  const behind = (element) => {
    const chain = [];
    for (let at = element; at; at = at.parentElement) chain.unshift(at);
    return chain.reduce((under, at) => over(parse(getComputedStyle(at).backgroundColor), under), [255, 255, 255]);
  };
  const light = (colour) => {
    const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = colour.map((one) => linear(one / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const low = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const words = walker.currentNode.data.trim();
    const element = walker.currentNode.parentElement;
    if (!words || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (element.closest(":disabled, [aria-disabled=true], option, script, style, canvas")) continue;
    const style = getComputedStyle(element);
    let opacity = 1;
    for (let at = element; at; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
    const back = behind(element);
    const [r, g, b, a] = parse(style.color);
    const [x, y] = [light(over([r, g, b, a * opacity], back)), light(back)].sort((one, other) => other - one);
    const ratio = (x + 0.05) / (y + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) low.push(`${words.slice(0, 40)}: ${ratio.toFixed(2)} (${element.className})`);
  }
  return low;
}"""

FOCUSED = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const marked = element.matches("[type=radio], [type=checkbox]") ? (element.closest("label") ?? element) : element;
  const style = getComputedStyle(marked);
  const box = marked.getBoundingClientRect();
  return {
    what: `${element.outerHTML.slice(0, 90)} in ${marked.className}: ${style.outline}`,
    ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    seen: box.width > 0 && box.height > 0,
  };
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no browser at {CHROMIUM}")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module", params=PLACES)
def page(request: Any, browser: Browser) -> Iterator[Page]:
    """Each page, with all its parts."""
    make, place = PLACES[request.param]
    with StudyServer(make()) as server, context_of(browser) as context:
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.goto(server.url(place))
        if "case" in place:
            wait_for(lambda: page.evaluate("() => Boolean(window.radstudyRoom?.ready)"), "the viewer")
        else:
            page.locator("h1, .entries").first.wait_for()
            page.wait_for_timeout(300)
        yield page


def test_text_stands_out_from_what_is_behind_it(page: Page) -> None:
    assert page.evaluate(LOW_CONTRAST) == []


def test_faint_text_would_be_seen(browser: Browser) -> None:
    with context_of(browser) as context:
        page = context.new_page()
        page.set_content(
            "<body style='background: #101216'><p style='color: #555'>faint</p><p style='color: #ccc'>well</p>"
        )
        assert [one.split(":")[0] for one in page.evaluate(LOW_CONTRAST)] == ["faint"]


def test_each_page_has_a_language_a_title_and_names_for_its_controls(page: Page) -> None:
    assert page.evaluate("() => document.documentElement.lang") == "en"
    assert page.title()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, a[href], input, select, textarea, [role=dialog], canvas.top")]
          .filter((one) => one.checkVisibility())
          .filter((one) => !(one.getAttribute("aria-label") || one.getAttribute("aria-labelledby") || one.title
            || one.labels?.length || one.textContent.trim()))
          .map((one) => one.outerHTML.slice(0, 120))"""
    )
    assert nameless == []


def test_the_keyboard_reaches_the_controls_and_shows_where_it_is(page: Page) -> None:
    seen = set()
    for _ in range(25):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None:
            continue
        assert focused["ring"] and focused["seen"], focused["what"]
        seen.add(focused["what"])
    assert len(seen) >= 3
