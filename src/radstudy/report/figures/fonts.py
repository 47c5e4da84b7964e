"""The fonts of an SVG figure: the letters that it uses, inside the file, so that its texts stay texts."""

from __future__ import annotations

import base64
import io
from functools import cache

from fontTools import subset
from fontTools.ttLib import TTFont
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.text import Text

_FAMILY = "DejaVu Sans"
_WEIGHTS = {"normal": 400, "bold": 700}
_UNUSED = {"FFTM", "GPOS", "GSUB", "GDEF"}  # positions by script and ligatures; kerning has a table of its own
_ALWAYS = {chr(code) for code in range(32, 127)}  # so that most figures share one font, which is cut once
_STYLE_END = b"</style>"


def with_fonts(svg: bytes, drawn: Figure) -> bytes:
    """The SVG with the letters of its texts as a font inside, so that it looks the same on every computer.

    Parameters
    ----------
    svg : figure as matplotlib writes it with texts as texts.
    drawn : the figure.
    """
    used: dict[str, set[str]] = {}
    for text in drawn.findobj(Text):
        if text.get_visible():
            used.setdefault("bold" if _bold(text) else "normal", set()).update(text.get_text())
    faces = "".join(
        _face(weight, "".join(sorted(letters | _ALWAYS))) for weight, letters in sorted(used.items()) if letters
    )
    head, end, rest = svg.partition(_STYLE_END)
    return head + faces.encode("ascii") + end + rest if end else svg


def _bold(text: Text) -> bool:
    weight = text.get_fontproperties().get_weight()
    return weight == "bold" or (isinstance(weight, int) and weight >= _WEIGHTS["bold"])


@cache
def _face(weight: str, letters: str) -> str:
    """A CSS rule with the given letters of a weight as WOFF."""
    file = findfont(FontProperties(family=_FAMILY, weight=weight))
    font = TTFont(file, recalcTimestamp=False)
    for table in _UNUSED & set(font.keys()):
        del font[table]  # before the subset is cut: reading them takes most of the time
    options = subset.Options(hinting=False, notdef_outline=True, layout_features=["kern"], flavor="woff")
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=letters)
    subsetter.subset(font)
    memory = io.BytesIO()
    subset.save_font(font, memory, options)
    content = base64.b64encode(memory.getvalue()).decode("ascii")
    return (
        f"@font-face{{font-family:'{_FAMILY}';font-weight:{_WEIGHTS[weight]};"
        f"src:url(data:font/woff;base64,{content}) format('woff')}}"
    )
