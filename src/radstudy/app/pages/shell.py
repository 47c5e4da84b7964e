"""Texts and templates of the pages. A template holds no sentence of its own: all texts come from strings.yaml."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from ruamel.yaml import YAML
from starlette.responses import Response

from radstudy.app.web.needs import Json

_TEMPLATES = Path(__file__).parent / "templates"
_GLOSSARY = "glossary.yaml"


class NoTextError(KeyError):
    """A page asks for a text that the catalogue does not have."""


@dataclass(frozen=True)
class Texts:
    """The catalogue of texts.

    Parameters
    ----------
    catalogue : section to name to text, as nested as it is in strings.yaml.
    """

    catalogue: Mapping[str, Any]

    def text(self, name: str, /, **values: object) -> str:
        """The text of a dotted name, such as "home.title"; {word} in it is filled in.

        Raises
        ------
        NoTextError : there is none.
        """
        entry: Any = self.catalogue
        for part in name.split("."):
            entry = entry.get(part) if isinstance(entry, Mapping) else None
        if not isinstance(entry, str):
            raise NoTextError(name)
        for word, value in values.items():
            entry = entry.replace("{" + word + "}", str(value))
        return str(entry)

    def section(self, *names: str) -> Json:
        """The texts that a page's modules need."""
        return {name: self.catalogue[name] for name in names}


@dataclass(frozen=True)
class Shell:
    """Makes pages of templates.

    Parameters
    ----------
    texts : of all pages.
    """

    texts: Texts

    @cached_property
    def _environment(self) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        environment.globals |= {"t": self.texts.text, "term": self._term, "as_json": as_json}
        return environment

    @cached_property
    def _terms(self) -> Mapping[str, str]:
        file = resources.files("radstudy") / "report" / _GLOSSARY
        entries = YAML(typ="safe").load(file.read_text(encoding="utf-8"))  # a study file's reader refuses folded lines
        return {str(entry["word"]): " ".join(str(entry["means"]).split()) for entry in entries}

    def _term(self, word: str, shown: str = "") -> Markup:
        """A word of the glossary, explained where the pointer or the focus is."""
        means = self._terms[word]
        return Markup('<button type="button" class="term" data-means="{}">{}</button>').format(means, shown or word)

    def page(
        self,
        template: str,
        *,
        scripts: tuple[str, ...] = (),
        styles: tuple[str, ...] = (),
        sections: tuple[str, ...] = (),
        status: int = 200,
        **content: Any,
    ) -> Response:
        """A page as an answer.

        Parameters
        ----------
        template : file in the folder of templates.
        scripts, styles : modules and styles of static/app, without their suffix.
        sections : of the catalogue, for the modules.
        status : of HTTP.
        content : what the template shows.
        """
        texts = self.texts.section("app", *sections)
        html = self._environment.get_template(template).render(scripts=scripts, styles=styles, texts=texts, **content)
        return Response(html, status, media_type="text/html")

    def part(self, template: str, **content: Any) -> str:
        """A part of a page as HTML.

        Parameters
        ----------
        template : file in the folder of templates.
        content : what the template shows.
        """
        return self._environment.get_template(template).render(**content)


def as_json(value: object) -> Markup:
    """JSON that can stand in a page's data block: nothing in it ends the block."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
