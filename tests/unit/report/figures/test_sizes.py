"""Every figure at one of a journal's widths, with letters that can be read there and that stay letters."""

import base64
import io
import re

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from matplotlib.text import Text
from PIL import Image

from radstudy.report.figures import FIGURES
from radstudy.report.figures.style import (
    LARGEST,
    SETS,
    SMALLEST,
    WIDTHS_MM,
    figure,
    rendered,
    style,
    width_for,
    with_notice,
)

FONT = re.compile(rb"font-weight:(\d+);src:url\(data:font/woff;base64,([A-Za-z0-9+/=]+)\)")


def width_mm(png):
    with Image.open(io.BytesIO(png)) as picture:
        return picture.width / 300 * 25.4


def letters_of(drawn):
    """The sizes of the letters that are drawn, points."""
    drawn.draw_without_rendering()
    return {text.get_fontsize() for text in drawn.findobj(Text) if text.get_visible() and text.get_text().strip()}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_has_a_journals_width_and_letters_that_can_be_read(pictured, name):
    drawn = FIGURES[name](pictured).figure
    files = rendered(drawn, ("png", "pdf", "svg"))
    assert min(abs(width_mm(files["png"]) - width) for width in WIDTHS_MM.values()) < 0.2
    sizes = letters_of(drawn)
    assert SMALLEST <= min(sizes) <= max(sizes) <= LARGEST
    assert b"/FontFile2" in files["pdf"] and b"/Type3" not in files["pdf"]
    assert b"<text" in files["svg"] and FONT.search(files["svg"])


def test_a_text_longer_than_the_figure_is_not_cut():
    with style():
        drawn = figure("single", 1.0, free=True)
        drawn.text(0.02, 0.5, "W" * 80)
        assert width_mm(rendered(drawn, ("png",))["png"]) > WIDTHS_MM["single"] + 10


def test_the_notice_stays_within_the_width_of_a_single_column():
    with style():
        drawn = with_notice(figure("single", 1.0, free=True), "SYNTHETIC: " + "invented patients and images " * 5)
        assert width_mm(rendered(drawn, ("png",))["png"]) == pytest.approx(WIDTHS_MM["single"], abs=0.2)


def test_the_font_in_an_svg_has_the_letters_of_its_texts_and_few_others():
    with style():
        drawn = figure("single", 1.0, free=True)
        drawn.text(0.1, 0.2, "abc ≥ é")
        drawn.text(0.1, 0.6, "XY", weight="bold")
        svg = rendered(drawn, ("svg",))["svg"]
    fonts = {int(weight): TTFont(io.BytesIO(base64.b64decode(woff))) for weight, woff in FONT.findall(svg)}
    letters = {weight: {chr(code) for code in font.getBestCmap()} for weight, font in fonts.items()}
    always = {chr(code) for code in range(32, 127)}
    assert letters == {400: always | set("≥é≤"), 700: always}  # with ≥ its mirror image, for texts from the right
    assert svg.count(b">abc \xe2\x89\xa5 \xc3\xa9</text>") == 1


def test_the_same_figure_has_the_same_bytes(pictured):
    first, second = (rendered(FIGURES["workflow"](pictured).figure, ("svg",))["svg"] for _ in range(2))
    assert first == second


def test_the_pictures_of_an_svg_are_jpeg_and_the_ground_beside_them_is_white():
    with style():
        drawn = figure("single", 2.0, free=True)
        axes = drawn.add_axes((0, 0, 1, 1))
        noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
        for left in (0, 300):
            axes.imshow(noise, extent=(left, left + 200, 0, 200))
        axes.set(xlim=(0, 500), ylim=(0, 200))
        svg = rendered(drawn, ("svg",))["svg"]
    assert svg.count(b"data:image/jpeg;base64,") == 2 and b"data:image/png" not in svg


@pytest.mark.parametrize(("columns", "width"), [(1, "single"), (2, "one_and_a_half"), (3, "double"), (4, "double")])
def test_the_width_follows_the_number_of_panels(columns, width):
    assert width_for(columns) == width


def test_curves_differ_in_their_line_and_not_only_in_their_colour(pictured):
    assert SETS["training"][1] != SETS["testing"][1]
    with style():
        axes = FIGURES["decision"](pictured).figure.axes[0]
    models = [line for line in axes.lines if line.get_label() not in ("treat none", "treat all")]
    assert len({str(line._dash_pattern) for line in models}) == len(models) > 2
