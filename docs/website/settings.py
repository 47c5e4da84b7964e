"""Every setting of a study file, from its schema and the texts of the forms."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

from radstudy.protocol.fields import PARTS, SettingField, ValueForm, setting_fields
from radstudy.protocol.shipped import versions_of_defaults
from website.markdown import contents

_TITLES = {"study": "The study", "reading": "The reading room", "validate": "Validation on other patients"}
_COMPARED = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
_INTRODUCTION = """# Settings

Every setting of study.yaml: its place, the values it may have, its default, and when to change it. A study file
names only what differs from its preset or from the defaults. `*` in a place is a name that you give, `[]` an item
of a list.

In the browser, the page [Protocol](../../app_protocol.md) has the same settings as a form. A default is that of the
newest version; a study keeps the version that it was begun with ([why](../../versions.md)).
"""


def setting_pages() -> dict[str, str]:
    """The list of the sections of a study file, and a page for each."""
    fields = setting_fields()
    pages = {
        f"reference/settings/{part}.md": _page(part, [one for one in fields if one.part == part]) for part in PARTS
    }
    return {"reference/settings/index.md": _INTRODUCTION + "\n" + contents(PARTS) + "\n", **pages}


def _page(part: str, fields: list[SettingField]) -> str:
    title = _TITLES.get(part, f"Step {part}")
    chunks = [f"# {title}"]
    for _, group in groupby(fields, key=lambda one: one.place):
        chunks += [_entry(one) for one in group]
    return "\n\n".join(chunks) + "\n"


def _entry(setting: SettingField) -> str:
    """One setting: its place as a heading, and what is known of it."""
    texts = setting.help
    lines = [f"## `{setting}`" if len(setting.place) < 3 else f"### `{setting}`"]
    said_twice = texts.label == texts.what.rstrip(".")
    lines += [_safe(f"**{texts.label}.** {texts.what}" if texts.label and not said_twice else texts.what)]
    facts = [("values", values_of(setting)), ("default", _default(setting)), ("reference study", texts.paper),
             ("change it", texts.when)]  # fmt: skip
    lines.append("\n".join(f"- *{name}*: {_safe(text)}" for name, text in facts if text))
    return "\n\n".join(line for line in lines if line)


def _safe(text: object) -> str:
    """Text in which Markdown sees no marks of its own, apart from what the pages put there."""
    return str(text).replace("<", r"\<").replace("{", r"\{").replace("~", r"\~")


def values_of(setting: SettingField) -> str:
    """The values that a setting may have, in words.

    Examples
    --------
    >>> from radstudy.protocol.fields import field_at
    >>> values_of(field_at(("seed",)))
    'whole number, at least 0'
    """
    unit = f" ({setting.help.unit})" if setting.help.unit else ""
    words = [_form(form) + (unit if form.kind in ("number", "integer") else "") for form in setting.forms]
    return "; or ".join(dict.fromkeys([*words, *(["null"] if setting.optional and setting.kind != "group" else [])]))


def _form(form: ValueForm) -> str:
    bounds = "".join(f", {_COMPARED[name]} {limit:g}" for name, limit in form.bounds)
    names = {
        "switch": "true or false", "integer": "whole number" + bounds, "number": "number" + bounds, "text": "text",
        "group": "the settings below", "entries": "names that you give, each with the settings below",
    }  # fmt: skip
    if form.choices:
        words = ", ".join(f"`{word}`" for word in form.choices)
        return {"steps": "a list of ", "step": "one of "}.get(form.kind, "") + words
    if form.kind in ("list", "names"):
        items = " or ".join(dict.fromkeys(_form(item) for item in form.items))
        kind = "a list" if form.kind == "list" else "names that you give"
        return kind + (f" of {form.length}" if form.length else "") + (f": {items}" if items else "")
    return names[form.kind]


def _default(setting: SettingField) -> str:
    if setting.required:
        return "none: it must be given" if setting.info is not None else ""
    value: Any = setting.default(max(versions_of_defaults()))
    if setting.info is None or value == {} or setting.kind == "group":
        return ""
    return f"`{json.dumps(value, ensure_ascii=False)}`"
