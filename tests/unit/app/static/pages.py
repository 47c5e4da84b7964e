"""A browser on the case page of the harness: opens it, waits for it, says where voxels lie."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from unit.app.static.harness import Harness
from unit.app.static.screens import Screen

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = "/usr/bin/chromium"
PATIENCE_S = 60.0


def browser_or_skip() -> None:
    """Skip a test where there is no browser; where `.ci/run` has installed one, it must be there."""
    if not Path(CHROMIUM).exists():
        assert not os.environ.get("RADSTUDY_REQUIRE_BROWSER"), f"no browser at {CHROMIUM}"
        pytest.skip(f"no browser at {CHROMIUM}")


def wait_for(condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end, f"waited {patience_s} s for: {what}"
        time.sleep(0.02)


def drag(page: Page, points: NDArray[np.float64]) -> None:
    """Press, move through all points (n, 2), release."""
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point)
    page.mouse.up()


@dataclass
class RoomPage:
    """The case page in one tab."""

    page: Page
    harness: Harness
    complaints: list[str]

    @classmethod
    def open(cls, context: BrowserContext, harness: Harness, query: str = "", *, ready: bool = True) -> RoomPage:
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.goto(harness.url + query)
        room = cls(page, harness, complaints)
        if ready:
            room.wait()
        return room

    def wait(self) -> None:
        wait_for(lambda: self.page.evaluate("Boolean(window.radstudyRoom?.ready)"), f"the room; {self.complaints}")

    def state(self, name: str) -> Any:
        return self.page.evaluate(f"window.radstudyRoom.{name}")

    def saved(self) -> None:
        wait_for(lambda: self.state("waiting") == 0, "all strokes to be stored")

    def codes(self, name: str) -> NDArray[np.uint8]:
        """The mask as the browser has it, on the grid."""
        runs = self.page.evaluate(
            """name => {
                const out = [];
                window.radstudyRoom.codes(name).forEach((code, index) => code && out.push([index, code]));
                return out;
            }""",
            name,
        )
        codes = np.zeros(self.harness.case.named(name).first.shape, np.uint8)
        for index, code in runs:
            codes[np.unravel_index(index, codes.shape, order="F")] = code
        return codes

    def stored(self, name: str) -> NDArray[np.uint8]:
        """The mask as the server has it, once all is stored."""
        self.saved()
        return self.harness.case.named(name).volume.copy()

    def screen(self, name: str | None = None) -> Screen:
        """Where the voxels of a view lie, from the canvas's place on the page."""
        name = name or self.state("sequence")
        box = self.page.locator(f'.view[data-sequence="{name}"] canvas.top').first.bounding_box()
        assert box is not None
        sequence = self.harness.case.named(name)
        return Screen(
            box["x"], box["y"], box["width"], box["height"], sequence.first.shape, sequence.affine,
            self.state("plane"), self.state("slice"), self.state("zoom"),
        )  # fmt: skip

    def zoom_to(self, factor: float) -> None:
        """Zoom around the middle of the view, by the wheel."""
        screen = self.screen()
        self.page.mouse.move(screen.left + screen.width / 2, screen.top + screen.height / 2)
        self.page.keyboard.down("Control")
        self.page.mouse.wheel(0, -500 * float(np.log(factor / screen.zoom)))
        self.page.keyboard.up("Control")
        wait_for(lambda: abs(self.state("zoom") - factor) < 1e-6, f"zoom {factor}, is {self.state('zoom')}")

    def drag(self, points: NDArray[np.float64]) -> None:
        drag(self.page, points)


@contextlib.contextmanager
def context_of(browser: Browser, scale: float = 1.0, width: int = 1366, height: int = 768) -> Iterator[BrowserContext]:
    """A browser context at a device scale factor."""
    context = browser.new_context(device_scale_factor=scale, viewport={"width": width, "height": height})
    try:
        yield context
    finally:
        context.close()


def browser_pids(folder: Path) -> list[int]:
    """The processes of the browser whose profile lies in a folder: those that this test started."""
    pids = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if str(folder) in (process / "cmdline").read_bytes().decode(errors="replace"):
                pids.append(int(process.name))
    return pids


def kill_browser(folder: Path) -> None:
    """End all of the browser's processes at once, as a crash does."""
    for pid in browser_pids(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
