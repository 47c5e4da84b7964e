"""Every feature: formula, unit, IBSI's code, differences to IBSI and PyRadiomics; from the catalogue and its oracle."""

from __future__ import annotations

import re
from pathlib import Path

from radstudy.catalogue import CATALOGUE, FAMILIES, SYMBOLS, Feature
from website.markdown import code, contents, table

_TITLES = {
    "shape": "Shape", "shape2D": "Shape in one plane (shape2D)", "firstorder": "First order",
    "glcm": "Co-occurrence of grey levels (GLCM)", "glrlm": "Run lengths (GLRLM)", "glszm": "Size zones (GLSZM)",
    "gldm": "Dependences of grey levels (GLDM)", "ngtdm": "Grey tone differences (NGTDM)",
}  # fmt: skip
_INTRODUCTION = """# Features

Names, order and values of `radstudy.extract` are those of PyRadiomics 3.0.1. `radstudy.extract_ibsi` gives the
values of the [IBSI standard](../ibsi.md). Where the two differ, the page of the feature says how; *difference to
PyRadiomics* is the largest one, as a share of the value, over all lesions and images that were compared ([all of
them](../pyradiomics.md)).

Each formula is that of one image. A study computes it on the image itself and on each image that a filter makes of
it: LoG, wavelet and others ([settings](../extraction.md)). Grey levels are the numbers of the bins: of a fixed
width (`bin_width`), or a fixed count.
"""


_MEASURED = {"": "not in the table: computed only when named", "0": "none"}


def feature_pages(repository: Path) -> dict[str, str]:
    """The list of all features, and a page for each family."""
    measured = differences(repository / "docs" / "pyradiomics.md")
    pages = {f"features/{family}.md": _page(family, measured) for family in FAMILIES}
    rows = [
        [f"[{one.name}]({one.family}.md#{one.name.lower()})", one.family, code(one.ibsi_tag), one.ibsi_code]
        for one in CATALOGUE
    ]
    text = [
        _INTRODUCTION,
        contents(FAMILIES),
        "## All features",
        table(["feature", "family", "IBSI tag", "IBSI code"], rows),
    ]
    return {"features/index.md": "\n\n".join(text) + "\n", **pages}


def differences(page: Path) -> dict[tuple[str, str], str]:
    """The largest relative difference of each feature over all kinds of images, from the table of docs/pyradiomics.md.

    Parameters
    ----------
    page : the page that tests/oracle/pyradiomics_table.py writes.

    Returns
    -------
    largest : (family, name) to the number as printed; "0" is equal to the last digit kept.
    """
    largest = {}
    for line in page.read_text(encoding="utf-8").splitlines():
        family, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        if family in FAMILIES and cells:
            largest[family, cells[0]] = max((cell for cell in cells[1:] if cell), key=float, default="")
    return largest


def _page(family: str, measured: dict[tuple[str, str], str]) -> str:
    features = [one for one in CATALOGUE if one.family == family]
    parts = [f"# {_TITLES[family]}", _letters(SYMBOLS[family])]
    parts += [_entry(one, measured.get((family, one.name), "")) for one in features]
    return "\n\n".join(parts) + "\n"


def _letters(text: str) -> str:
    """The sentences about letters as a list, a line for each."""
    return "\n".join(f"- {_letter(one)}" for one in text.rstrip(".").split(". "))


def _letter(sentence: str) -> str:
    letters, colon, rest = sentence.partition(": ")
    texts = (f"`{letters}`: {rest}" if colon else sentence).split("`")
    return "".join(f"{{math}}`{one}`" if n % 2 else one for n, one in enumerate(texts))


def _escaped(text: str) -> str:
    return text.replace("*", r"\*").replace("_", r"\_")


def _entry(feature: Feature, measured: str) -> str:
    facts = [
        ("name", code(f"original_{feature.family}_{feature.name}")),
        ("unit", _unit(feature.unit)),
        ("IBSI", f"`{feature.ibsi_tag}`, code {feature.ibsi_code}" if feature.ibsi_tag else ""),
        ("difference to IBSI", _escaped(feature.departs)),
        (
            "difference to PyRadiomics",
            _MEASURED.get(measured, measured),
        ),
    ]
    lines = [f"## {feature.name}", "```{math}\n" + feature.formula + "\n```"]
    return "\n\n".join([*lines, "\n".join(f"- *{name}*: {text}" for name, text in facts if text)])


def _unit(unit: str) -> str:
    if not unit:
        return "none"
    raised = str.maketrans("234", "²³⁴")
    return re.sub(r"\^(\d)", lambda power: power.group(1).translate(raised), unit)
