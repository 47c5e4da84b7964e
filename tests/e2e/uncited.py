"""Numbers of a report's page that cite no cell and are no literal of literals.yaml."""

import html
import re
from pathlib import Path

import pandas as pd
from ruamel.yaml import YAML

LITERALS = YAML(typ="safe").load((Path(__file__).parent / "literals.yaml").read_text(encoding="utf-8"))
NUMBER = re.compile(r"(?<![\w.])\d[\d,.]*")
FEATURE = re.compile(r"\b(original|log-sigma|wavelet)[-_][\w-]*")


def texts_of(page):
    """The page's texts without its numbers that have a source, element by element; settings and scripts left out."""
    page = re.sub(r"<(style|script|nav|pre)\b.*?</\1>", "", page, flags=re.DOTALL)
    page = re.sub(r"<data [^>]*>[^<]*</data>", "", page)
    return [html.unescape(re.sub(r"<[^>]*>", " ", part)) for part in re.split(r"(?=<(?:p|td|th|caption|figcaption|"
            r"summary|li|h\d|dt|dd|footer)\b)", page)]  # fmt: skip


def names_of(run):
    """Words that the study chose, which may hold digits: the longest first."""
    settings = YAML(typ="safe").load((run / "report/settings.json").read_text(encoding="utf-8"))

    def texts(value):
        if isinstance(value, dict):
            yield from value
            value = list(value.values())
        if isinstance(value, list):
            for one in value:
                yield from texts(one)
        elif isinstance(value, str):
            yield value

    tables = [pd.read_csv(run / "cohort" / name, dtype=str) for name in ("rows.csv", "excluded.csv")]
    patients = [name for table in tables for name in table["patient"]]
    names = {name for name in (*texts(settings), *patients) if any(sign.isdigit() for sign in name)}
    names = {name for name in names if not name.isdigit()}  # an outcome written 0 and 1 names no number of the page
    return sorted(names, key=len, reverse=True)


def uncited(run):
    """Each such number with the text around it."""
    names = [re.escape(name) for name in names_of(run)]
    literal = re.compile("|".join([*names, FEATURE.pattern, *(f"(?:{one['pattern']})" for one in LITERALS)]))
    left = []
    for text in texts_of((run / "report.html").read_text(encoding="utf-8")):
        without = literal.sub(" ", " ".join(text.split()))
        left += [f"{number}: {' '.join(text.split())[:200]}" for number in NUMBER.findall(without)]
    return left
