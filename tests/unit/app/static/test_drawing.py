"""Real pointer events in a real browser: the voxels drawn are those of the rule, whatever the screen and the grid."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from unit.app.static.harness import Case, Harness, Sequence_
from unit.app.static.pages import CHROMIUM, RoomPage, browser_or_skip, context_of, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

SCALES = (1.0, 1.25, 2.0)
ZOOMS = (1.0, 3.7)


def turned(
    spacing: tuple[float, float, float], degrees: tuple[float, float, float], origin: float = -60.0
) -> NDArray[Any]:
    """An affine of voxels that lie as DICOM stores them (to L, P, S), turned about each patient axis."""
    matrix = np.diag([-1.0, -1.0, 1.0])
    for axis, angle in enumerate(np.radians(degrees)):
        a, b = [n for n in range(3) if n != axis]
        turn = np.eye(3)
        turn[[a, a, b, b], [a, b, a, b]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
        matrix = turn @ matrix
    affine = np.eye(4)
    affine[:3, :3] = matrix * spacing
    affine[:3, 3] = origin
    return affine


GRIDS = {
    "1.06 x 1.06 x 4": ((128, 120, 14), turned((1.06, 1.06, 4.0), (0, 0, 0))),
    "2.7 x 2.7 x 4": ((60, 64, 12), np.diag([2.7, 2.7, 4.0, 1.0])),
    "oblique": ((110, 96, 16), turned((1.3, 1.3, 3.6), (24, -11, 17))),
    "sagittal": ((100, 112, 15), np.array([[0, 0, 3.3, 0], [-1.2, 0, 0, 9], [0, -1.2, 0, 4], [0, 0, 0, 1.0]])),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    browser_or_skip()
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


def case_on(grid: str, names: tuple[str, ...] = ("T2WI",)) -> Case:
    shape, affine = GRIDS[grid]
    random = np.random.default_rng(5)
    voxels = random.integers(0, 900, shape).astype(np.int16)
    return Case([Sequence_(name, {"prepared": voxels, "acquired": voxels[::-1].copy()}, affine) for name in names])


def around(room: RoomPage, radius: float, count: int, seed: int) -> NDArray[np.float64]:
    """A wavy line around the middle of the view, whole device pixels, no point twice."""
    screen = room.screen()
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    wave = radius * (1 + 0.25 * np.sin(3 * angle + seed) + 0.1 * np.cos(7 * angle))
    scale = room.page.evaluate("devicePixelRatio")
    middle = screen.left + screen.width / 2 + 7.3, screen.top + screen.height / 2 - 4.1
    points = np.stack([middle[0] + wave * np.cos(angle), middle[1] + wave * np.sin(angle)], 1)
    return np.round(points * scale) / scale + 1 / 64


@pytest.mark.parametrize(("grid", "scale"), [
    pytest.param(grid, scale, marks=() if at % len(SCALES) == to else pytest.mark.long)  # the others: long
    for at, grid in enumerate(GRIDS) for to, scale in enumerate(SCALES)
])  # fmt: skip
def test_a_contour_holds_the_voxels_whose_centre_lies_inside(browser: Browser, grid: str, scale: float) -> None:
    with Harness(case_on(grid)) as harness, context_of(browser, scale) as context:
        room = RoomPage.open(context, harness)
        for zoom in ZOOMS:
            room.zoom_to(zoom)
            points = around(room, 90, 60, seed=int(zoom))
            expected = room.screen().in_polygon(points)
            room.drag(points)
            assert expected.sum() > 10
            codes = room.codes("T2WI")
            np.testing.assert_array_equal(codes == 1, expected)
            np.testing.assert_array_equal(room.stored("T2WI"), codes)
            room.page.keyboard.press("Control+z")
            assert not room.codes("T2WI").any()
        assert not room.complaints


@pytest.mark.parametrize(
    ("grid", "scale"),
    [("1.06 x 1.06 x 4", 1.0), ("oblique", 2.0), *(pytest.param(grid, 1.25, marks=pytest.mark.long) for grid in GRIDS)],
)
def test_what_is_seen_lies_where_the_pointer_finds_it(browser: Browser, grid: str, scale: float) -> None:
    """A single bright voxel: its middle on the screenshot is clicked with the smallest brush."""
    case = case_on(grid)
    shape, _ = GRIDS[grid]
    through = int(np.argmax(np.linalg.norm(GRIDS[grid][1][:3, :3], axis=0)))
    bright = [shape[0] // 2 + 5, shape[1] // 2 - 4, shape[2] // 2 - 2]
    bright[through] = (shape[through] - 1) // 2
    voxels = np.zeros(shape, np.int16)
    voxels[tuple(bright)] = 1000
    case.sequences[0].images["prepared"] = voxels
    case.sequences[0].windows = [(0, 1000)]
    with Harness(case) as harness, context_of(browser, scale) as context:
        room = RoomPage.open(context, harness)
        for zoom in ZOOMS:
            room.zoom_to(zoom)
            room.page.keyboard.press("b")
            room.page.locator(".tool-options input").first.fill("0.1")
            room.page.keyboard.press("Enter")
            room.page.mouse.move(2, 2)
            middle = middle_of_white(room, scale)
            room.page.mouse.click(*middle)
            expected = np.zeros(shape, bool)
            expected[tuple(bright)] = True
            np.testing.assert_array_equal(room.codes("T2WI") == 3, expected)
            room.page.keyboard.press("Control+z")


def middle_of_white(room: RoomPage, scale: float) -> tuple[float, float]:
    """Middle of the white rectangle on the lower canvas, CSS pixels of the window."""
    import io

    from PIL import Image

    screen = room.screen()
    clip = {"x": screen.left + 40, "y": screen.top + 40, "width": screen.width - 80, "height": screen.height - 80}
    with Image.open(io.BytesIO(room.page.screenshot(clip=clip))) as image:
        grey = np.asarray(image.convert("RGB")).min(axis=2)
    rows, columns = np.nonzero(grey > 250)
    assert rows.size > 4
    return (
        float(clip["x"] + (columns.min() + columns.max() + 1) / 2 / scale),
        float(clip["y"] + (rows.min() + rows.max() + 1) / 2 / scale),
    )


@pytest.mark.parametrize(("grid", "ball"), [
    pytest.param(grid, ball, marks=() if (at % 2 == 0) == ball else pytest.mark.long)
    for at, grid in enumerate(GRIDS) for ball in (False, True)
])  # fmt: skip
def test_a_brush_is_true_in_mm_and_an_eraser_takes_the_same_out(browser: Browser, grid: str, ball: bool) -> None:
    with Harness(case_on(grid)) as harness, context_of(browser, 1.25) as context:
        room = RoomPage.open(context, harness)
        room.zoom_to(1.6)
        room.page.keyboard.press("b")
        if ball:
            room.page.keyboard.press("d")
        room.page.locator(".tool-options input").first.fill("7.3")
        room.page.keyboard.press("Enter")
        points = around(room, 60, 9, seed=2)[:6]
        expected = room.screen().near_way(points, 7.3, ball=ball)
        room.drag(points)
        np.testing.assert_array_equal(room.codes("T2WI") == (4 if ball else 3), expected)
        assert ball == (
            np.count_nonzero(expected.any(axis=tuple(n for n in range(3) if n != room.screen().axes[2]))) > 1
        )
        volume = room.page.locator(".sequence .volume").inner_text()
        assert f"{expected.sum()} voxels" in volume
        room.page.keyboard.press("e")
        taken = points[:2]
        erased = expected & ~room.screen().near_way(taken, 7.3, ball=ball)
        room.drag(taken)
        np.testing.assert_array_equal(room.codes("T2WI") > 0, erased)
        np.testing.assert_array_equal(room.stored("T2WI"), room.codes("T2WI"))


@pytest.mark.parametrize(
    "grid", [pytest.param(grid, marks=() if at % 2 else pytest.mark.long) for at, grid in enumerate(GRIDS)]
)
def test_a_polygon_is_filled_as_its_points_were_moved(browser: Browser, grid: str) -> None:
    with Harness(case_on(grid)) as harness, context_of(browser, 2.0) as context:
        room = RoomPage.open(context, harness)
        room.zoom_to(2.0)
        room.page.keyboard.press("p")
        points = around(room, 100, 7, seed=1)
        for point in points:
            room.page.mouse.click(*point)
        moved = points.copy()
        moved[3] += (-41.25, 23.5)
        room.drag(np.stack([points[3], (points[3] + moved[3]) / 2, moved[3]]))
        assert not room.codes("T2WI").any()
        # grabbed where it was clicked, so the point lies where the pointer let it go
        room.page.keyboard.press("Enter")
        np.testing.assert_array_equal(room.codes("T2WI") == 2, room.screen().in_polygon(moved))
        room.page.keyboard.press("p")
        room.page.keyboard.down("Alt")
        for point in points[:3]:
            room.page.mouse.click(*point)
        room.page.keyboard.up("Alt")
        room.page.keyboard.press("Enter")
        expected = room.screen().in_polygon(moved) & ~room.screen().in_polygon(points[:3])
        np.testing.assert_array_equal(room.codes("T2WI") > 0, expected)
        np.testing.assert_array_equal(room.stored("T2WI"), room.codes("T2WI"))


def test_undo_and_redo_go_over_all_tools_planes_and_sequences(browser: Browser) -> None:
    with Harness(case_on("oblique", ("T2WI", "DWI"))) as harness, context_of(browser) as context:
        room = RoomPage.open(context, harness)
        states = [{name: room.codes(name) for name in ("T2WI", "DWI")}]
        for keys in (["c"], ["b"], ["n", "b", "d"], ["x", "e"], ["x", "c"], ["n", "p"]):
            for key in keys:
                room.page.keyboard.press(key)
            room.wait()
            points = around(room, 60, 12, seed=len(states))
            if keys[-1] == "p":
                for point in points:
                    room.page.mouse.click(*point)
                room.page.keyboard.press("Enter")
            else:
                room.drag(points)
            states.append({name: room.codes(name) for name in ("T2WI", "DWI")})
        changed = [any((a[name] != b[name]).any() for name in a) for a, b in pairwise(states)]
        assert sum(changed) >= 5
        steps = [state for state, new in zip(states, [True, *changed], strict=True) if new]
        for state in steps[-2::-1]:
            room.page.keyboard.press("Control+z")
            for name, codes in state.items():
                np.testing.assert_array_equal(room.codes(name), codes)
        for state in steps[1:]:
            room.page.keyboard.press("Control+Shift+z")
            for name, codes in state.items():
                np.testing.assert_array_equal(room.codes(name), codes)
                np.testing.assert_array_equal(room.stored(name), codes)
        assert not room.complaints


def test_a_range_is_painted_only_where_the_shown_image_lies_in_it(browser: Browser) -> None:
    with Harness(case_on("1.06 x 1.06 x 4")) as harness, context_of(browser) as context:
        room = RoomPage.open(context, harness)
        room.page.keyboard.press("y")
        room.wait()
        assert room.state("image") == "acquired"
        room.page.keyboard.press("r")
        radius, low, high = (room.page.locator(".tool-options input").nth(n) for n in range(3))
        for field, value in ((radius, "11.7"), (low, "200"), (high, "500")):
            field.fill(value)
            room.page.keyboard.press("Enter")
        points = around(room, 50, 5, seed=3)[:3]
        shown = harness.case.named("T2WI").images["acquired"]
        expected = room.screen().near_way(points, 11.7, ball=False) & (shown >= 200) & (shown <= 500)
        room.drag(points)
        np.testing.assert_array_equal(room.codes("T2WI") == 5, expected)


def test_a_preview_is_not_drawn_until_accepted_one_slice_or_all(browser: Browser) -> None:
    with Harness(case_on("1.06 x 1.06 x 4")) as harness, context_of(browser) as context:
        room = RoomPage.open(context, harness)
        start = room.state("slice")
        room.drag(around(room, 60, 30, seed=1))
        for _ in range(4):
            room.page.keyboard.press("ArrowUp")
        room.drag(around(room, 90, 30, seed=2))
        drawn = room.codes("T2WI")
        room.page.keyboard.press("i")
        wait_for(lambda: room.state("previewVoxels") > 0, "the preview")
        np.testing.assert_array_equal(room.codes("T2WI"), drawn)
        room.page.keyboard.press("ArrowDown")
        room.page.keyboard.press("Enter")
        accepted = room.codes("T2WI")
        assert np.flatnonzero((accepted == 7).any(axis=(0, 1))).tolist() == [start + 3]
        room.page.keyboard.press("Shift+Enter")
        accepted = room.codes("T2WI")
        assert np.flatnonzero((accepted == 7).any(axis=(0, 1))).tolist() == [start + 1, start + 2, start + 3]
        assert room.state("previewVoxels") == 0
        np.testing.assert_array_equal(room.stored("T2WI"), accepted)
        room.page.keyboard.press("i")
        room.page.locator(".notice", has_text="nothing to change").wait_for()
        room.page.keyboard.press("Control+z")
        room.page.keyboard.press("i")
        wait_for(lambda: room.state("previewVoxels") > 0, "the preview again")
        room.page.keyboard.press("Escape")
        assert room.state("previewVoxels") == 0


def test_each_stroke_says_by_which_tool_and_display_it_was_drawn(browser: Browser) -> None:
    with Harness(case_on("oblique")) as harness, context_of(browser) as context:
        room = RoomPage.open(context, harness)
        room.drag(around(room, 60, 20, seed=1))
        room.page.keyboard.press("Control+z")
        room.saved()
        strokes = harness.case.named("T2WI").strokes
        assert [(stroke["revision"], stroke["tool"]) for stroke in strokes] == [(0, "contour"), (1, "undo")]
        view = strokes[0]["view"]
        assert (view["image"], view["plane"], view["slice"], view["layout"]) == (
            "prepared",
            "axial",
            room.state("slice"),
            "one",
        )
        assert view["window"] == room.state("window")


def test_the_crosshair_is_linked_in_patient_coordinates(browser: Browser) -> None:
    case = case_on("oblique")
    shape, affine = GRIDS["2.7 x 2.7 x 4"]
    near = affine.copy()
    near[:3, 3] = case.sequences[0].affine[:3, 3] - (140, 120, 10)
    case.sequences.append(Sequence_("DWI", {"acquired": np.ones(shape, np.float32)}, near))
    with Harness(case) as harness, context_of(browser) as context:
        room = RoomPage.open(context, harness)
        room.page.keyboard.press("l")
        room.wait()
        screen = room.screen("T2WI")
        room.page.keyboard.down("Shift")
        room.page.mouse.click(screen.left + screen.width / 2, screen.top + screen.height / 2)
        room.page.keyboard.up("Shift")
        middle = [(length - 1) / 2 for length in screen.shape]
        middle[2] = screen.slice
        expected = (screen.affine @ [*middle, 1])[:3]
        np.testing.assert_allclose(room.state("cursor"), expected, atol=1e-6)
        other = np.round(np.linalg.inv(near) @ [*expected, 1])[2]
        caption = room.page.locator('.view[data-sequence="DWI"] .caption').inner_text()
        assert f"{int(np.clip(other, 0, shape[2] - 1)) + 1}/{shape[2]}" in caption


def test_phases_share_their_window_and_their_images(browser: Browser) -> None:
    shape, affine = GRIDS["2.7 x 2.7 x 4"]
    phases = {f"DCE{n}": np.full(shape, 100 * n, np.int16) for n in (1, 3, 7)}
    case = Case([Sequence_(name, {"prepared": phases[name]}, affine, phases, grid="g1") for name in ("DCE3", "DCE7")])
    with Harness(case) as harness, context_of(browser) as context:
        room = RoomPage.open(context, harness)
        screen = room.screen()
        x, y = screen.left + screen.width / 2, screen.top + screen.height / 2
        before = room.state("window")
        room.page.mouse.move(x, y)
        room.page.mouse.down(button="right")
        room.page.mouse.move(x + 80, y - 40)
        room.page.mouse.up(button="right")
        window = room.state("window")
        assert window[1] - window[0] > before[1] - before[0]
        assert sum(window) < sum(before)
        for phase in ("DCE7", "DCE1", "DCE3"):
            room.page.keyboard.press("ArrowRight")
            wait_for(lambda phase=phase: room.state("phase") == phase, phase)
            assert room.state("window") == window
        room.page.keyboard.press("n")
        room.wait()
        assert (room.state("sequence"), room.state("window")) == ("DCE7", window)
        volumes = [path for path in case.requests if "/volume/" in path]
        assert len(volumes) == len(set(volumes)) == 3
        assert not room.codes("DCE3").any()


def test_a_distance_is_in_mm(browser: Browser) -> None:
    with Harness(case_on("2.7 x 2.7 x 4")) as harness, context_of(browser) as context:
        room = RoomPage.open(context, harness)
        room.page.keyboard.press("m")
        screen = room.screen()
        a = np.array([screen.left + 200.0, screen.top + 150.0])
        room.page.evaluate(
            """() => {
                window.words = [];
                const own = CanvasRenderingContext2D.prototype.fillText;
                CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
                    window.words.push(text);
                    own.call(this, text, ...rest);
                };
            }"""
        )
        room.drag(np.stack([a, a + np.array((30.0, 40.0))]))
        expected = f"{50 / screen.px_per_mm:.1f} mm"
        wait_for(lambda: room.page.evaluate("window.words.at(-1)") == expected, expected)
        assert not room.codes("T2WI").any()
