"""Readers in a browser on the real server: what each does, by pointer and keyboard, as the pages let them."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unit.app.static.pages import drag
from unit.app.static.screens import Screen

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

PATIENCE_S = 90.0


def wait_for(condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """Wait until a condition holds; what it gave."""
    end = time.monotonic() + patience_s
    while not (given := condition()):
        assert time.monotonic() < end, f"waited {patience_s} s for: {what}"
        time.sleep(0.02)
    return given


@contextlib.contextmanager
def reading_server(study: Path, *arguments: str) -> Iterator[str]:
    """`radstudy read` as a process of its own; the link that it prints. It is ended as by Ctrl-C."""
    command = [sys.executable, "-m", "radstudy", "read", str(study), "--no-browser", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ})
    assert process.stdout is not None
    printed: queue.Queue[str] = queue.Queue()
    reading = threading.Thread(target=lambda: printed.put(process.stdout.readline()), daemon=True)
    reading.start()
    try:
        url = printed.get(timeout=PATIENCE_S).strip()
        if not url:
            raise AssertionError(f"no link: {process.communicate(timeout=10)[1]}")
        yield url
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors, errors


@dataclass(frozen=True)
class PhantomLesion:
    """A lesion as it was planted, on one sequence.

    Parameters
    ----------
    mask : bool (I, J, K).
    affine : voxel to RAS, mm.
    """

    mask: NDArray[np.bool_]
    affine: NDArray[np.float64]

    @property
    def centre(self) -> NDArray[np.float64]:
        """Continuous (i, j, k)."""
        return np.asarray(np.argwhere(self.mask).mean(axis=0))


@dataclass
class Visitor:
    """Somebody with a personal link, in a browser of his or her own."""

    browser: Browser
    url: str
    shots: Path | None = None
    size: tuple[int, int] = (1366, 768)
    complaints: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        width, height = self.size
        self.context = self.browser.new_context(viewport={"width": width, "height": height})
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_S * 1000)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("request", lambda request: self.requested.append(request.url))
        self.page.goto(self.url)

    def shot(self, name: str) -> None:
        """A picture of the page, where pictures are wanted."""
        if self.shots is not None:
            self.page.screenshot(path=self.shots / f"{name}.png")

    def leave(self, *allowed: str) -> None:
        """Close the browser; nothing was wrong on the console, and nothing was asked of another host."""
        self.context.close()
        assert not [one for one in self.complaints if not any(part in one for part in allowed)]
        own = self.url.split("#")[0]
        assert not [one for one in self.requested if not one.startswith((own, "data:", "blob:"))]

    # --- the viewer -------------------------------------------------------------------------------------------------

    def open_next(self) -> str:
        """Open the next case of the list; its pseudonym."""
        self.page.locator(".card.next button.large").click()
        self.viewer()
        return self.page.locator(".bar .case-id").inner_text()

    def viewer(self) -> None:
        wait_for(lambda: self.page.evaluate("Boolean(window.radstudyRoom?.ready)"), f"the viewer; {self.complaints}")

    def state(self, name: str) -> Any:
        return self.page.evaluate(f"window.radstudyRoom.{name}")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def go_to_slice(self, wanted: int) -> None:
        """Scroll to a slice by the keyboard."""
        first = self.state("slice")
        self.press("ArrowUp")
        up = self.state("slice") - first
        while (now := self.state("slice")) != wanted:
            self.press("ArrowUp" if (wanted > now) == (up > 0) else "ArrowDown")

    def screen(self, lesion: PhantomLesion) -> Screen:
        name = self.state("sequence")
        box = self.page.locator(f'.view[data-sequence="{name}"] canvas.top').first.bounding_box()
        assert box is not None
        return Screen(
            box["x"], box["y"], box["width"], box["height"], lesion.mask.shape, lesion.affine,
            self.state("plane"), self.state("slice"), self.state("zoom"),
        )  # fmt: skip

    def draw_around(self, lesion: PhantomLesion, slice_: int, radius_mm: float) -> NDArray[np.bool_]:
        """Trace a circle around the middle of a lesion on a slice; the voxels that lie in what was traced."""
        self.go_to_slice(slice_)
        screen = self.screen(lesion)
        x, y = screen.point(lesion.centre)
        angles = np.linspace(0, 2 * np.pi, 30, endpoint=False) + 0.0123
        radius = radius_mm * screen.px_per_mm
        points = np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1)
        drag(self.page, points)
        return screen.in_polygon(points)

    def codes(self, name: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """The mask on a sequence as the page has it."""
        pairs = self.page.evaluate(
            "name => Array.from(window.radstudyRoom.codes(name)).flatMap((code, at) => code ? [[at, code]] : [])", name
        )
        codes = np.zeros(int(np.prod(shape)), np.uint8)
        for at, code in pairs:
            codes[at] = code
        return codes.reshape(shape, order="F")

    def saved(self) -> None:
        wait_for(lambda: self.state("waiting") == 0, "all strokes to be stored")

    # --- the form ---------------------------------------------------------------------------------------------------

    def question(self, legend: str) -> Locator:
        """A question by its label."""
        legends = self.page.locator("fieldset.question").filter(has=self.page.locator("legend", has_text=legend))
        return legends.first

    def judge(self, sequence: str, *, visible: bool, quality: int) -> None:
        """Say of a sequence that it can be evaluated, whether the lesion is seen on it, and how good it is."""
        box = self.question(sequence)
        box.get_by_role("radiogroup", name="Evaluable").get_by_text("Yes", exact=True).click()
        answer = "Yes" if visible else "No"
        box.get_by_role("radiogroup", name="Lesion visible").get_by_text(answer, exact=True).click()
        box.get_by_role("radiogroup", name="Quality").get_by_text(str(quality), exact=True).click()

    def answer(self, values: dict[str, str | float]) -> None:
        """Answer items of the form, by their names: a level, a number."""
        for name, value in values.items():
            box = self.page.locator(f'fieldset[data-item="{name}"]')
            if isinstance(value, str):
                box.locator(".radios").get_by_text(value, exact=True).click()
            else:
                box.locator("input.typed-number").fill(str(value))

    def lock(self) -> None:
        """Lock the answers, and say yes to the last question."""
        self.page.locator(".form-actions button").click()
        self.page.locator("dialog button.primary").click()
        self.page.locator(".stage-note").wait_for()

    def close_masks(self) -> None:
        self.page.locator('.bar [data-action="close"]').click()
        self.page.locator(".card.next").wait_for()

    def close_form(self) -> None:
        self.page.locator(".form-actions button").click()
        self.page.locator(".card.next").wait_for()
