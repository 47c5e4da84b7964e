"""Time from input to the first frame after the draw, and from opening to the first picture, without a graphics card.

``python -m unit.app.static.measure_frames [F.json]`` with ``tests`` on the path prints one JSON object. The end of a
time is the animation frame that follows the frame in which the page drew, so it is rather too long than too short.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright

from unit.app.static.harness import Case, Harness, Sequence_
from unit.app.static.pages import CHROMIUM, RoomPage, context_of

SHAPE = (320, 320, 104)
AFFINE = np.diag([-1.0625, -1.0625, 2.0, 1.0])
LESION_MM = 15.0


def case() -> Case:
    """Noise with a bright ball, as large as a breast DCE volume."""
    random = np.random.default_rng(1)
    voxels = random.integers(0, 400, SHAPE).astype(np.int16)
    voxels[150:165, 150:165, 48:56] += 500
    return Case([Sequence_(name, {"prepared": voxels}, AFFINE) for name in ("T2WI", "DWI", "DCE3", "DCE7")])


def traced(room: RoomPage, count: int = 60) -> np.ndarray[Any, Any]:
    """A line around a lesion of 15 mm in the middle of the view."""
    screen = room.screen()
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    radius = LESION_MM / 2 * screen.px_per_mm
    return np.stack(
        [
            screen.left + screen.width / 2 + radius * np.cos(angle),
            screen.top + screen.height / 2 + radius * np.sin(angle),
        ],
        1,
    )


def scroll(room: RoomPage, slices: int = 60) -> None:
    """Wheel through slices, up and down."""
    for n in range(slices):
        room.page.mouse.wheel(0, 100 if n < slices // 2 else -100)
        time.sleep(0.03)


def percentiles(ms: list[float]) -> dict[str, float]:
    return {"n": len(ms), "p50_ms": round(float(np.median(ms)), 1), "p95_ms": round(float(np.percentile(ms, 95)), 1)}


def measure(layout: str, tool: str, size: tuple[int, int]) -> dict[str, Any]:
    """Times of one layout and tool in a fresh browser."""
    with Harness(case()) as harness, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        with context_of(browser, 1.0, *size) as context:
            start = time.perf_counter()
            room = RoomPage.open(context, harness)
            opened = time.perf_counter() - start
            if layout == "sequences":
                room.page.keyboard.press("l")
                room.wait()
            time.sleep(2)  # the other sequences load
            room.page.keyboard.press(tool)
            if tool == "b":
                room.page.keyboard.press("d")
            for _ in range(3):
                room.drag(traced(room))
                room.page.keyboard.press("ArrowUp")
            scroll(room)
            room.saved()
            session = context.new_cdp_session(room.page)
            session.send("Performance.enable")
            metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
            times = {
                kind: percentiles(room.page.evaluate(f"window.radstudyRoom.frames('{kind}')"))
                for kind in ("paint", "scroll")
            }
        browser.close()
    return {
        "layout": layout, "tool": {"c": "contour", "b": "sphere"}[tool], "screen": list(size),
        "interactive_s": round(opened, 2), **times,
        "heap_mb": round(metrics["JSHeapUsedSize"] / 1e6, 1), "load_1min": os.getloadavg()[0],
    }  # fmt: skip


def main(out: str | None) -> None:
    rows = [measure(layout, tool, size) for size in ((1366, 768), (1920, 1080)) for layout, tool in
            (("one", "c"), ("one", "b"), ("sequences", "c"))]  # fmt: skip
    text = json.dumps({"shape": SHAPE, "cores": os.cpu_count(), "rows": rows}, indent=1)
    print(text)
    if out:
        Path(out).write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
