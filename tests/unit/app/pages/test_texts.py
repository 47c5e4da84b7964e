"""Every sentence of the pages comes from the catalogue: in a made-up language nothing English is left."""

from dataclasses import asdict

import html5lib
import pytest

from radstudy.app.lead import protocol_settings
from radstudy.app.pages.server import _SECTIONS
from radstudy.app.pages.shell import NoTextError, Texts
from radstudy.app.pages.study_pages import STUDY_PAGES
from radstudy.app.web.pages import strings
from radstudy.protocol import fields
from radstudy.protocol.fields import SettingHelp
from unit.app.pages.conftest import serving_pages, write_study

LEFT, RIGHT = "«", "»"
NOT_TEXT = {"script", "code", "title", "pre"}
DATA = {"radstudy", "small", "anna", "T2"}  # of the study, and the program's name


def pseudo(entry):
    if isinstance(entry, dict):
        return {name: pseudo(value) for name, value in entry.items()}
    return f"{LEFT}{entry}{RIGHT}"


def texts_of(node, inside=()):
    """Yield each text that is shown, and the attributes that are read out."""
    tag = node.tag.rpartition("}")[2] if isinstance(node.tag, str) else "comment"
    if tag not in NOT_TEXT and node.get("translate") != "no":
        for name in ("title", "aria-label", "placeholder", "alt"):
            if (value := node.get(name)) and "path" not in (node.get("class") or ""):
                yield value
        if node.text and "path" not in (node.get("class") or ""):
            yield node.text
        for child in node:
            yield from texts_of(child)
            if child.tail:
                yield child.tail


@pytest.fixture(scope="module")
def pseudo_help():
    """What is said of settings, which stands with them and in help.yaml, in the made-up language."""
    caches = (fields._all, fields._by_place, fields._prefixes, protocol_settings._children)
    real = fields._help

    def pseudo_of(*of_setting):
        return SettingHelp(**pseudo({name: text for name, text in asdict(real(*of_setting)).items() if text}))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(fields, "_help", pseudo_of)
        for cache in caches:
            cache.cache_clear()
        yield
    for cache in caches:
        cache.cache_clear()


@pytest.fixture(scope="module")
def pseudo_pages(tmp_path_factory, pseudo_help):
    folder = tmp_path_factory.mktemp("studies")
    names = (*_SECTIONS, *(section for page in STUDY_PAGES for section in page.needs))
    with serving_pages(folder, write_study(folder / "small"), Texts(pseudo(strings(*names)))) as running:
        yield running


@pytest.mark.parametrize("word", ["home", *(page.word for page in STUDY_PAGES)])
def test_no_sentence_stands_in_a_template(pseudo_pages, word):
    path = "/home" if word == "home" else f"/study/{pseudo_pages.project.id}/{word}"
    document = html5lib.parse(pseudo_pages.browser().ask("GET", path).body.decode(), treebuilder="etree")
    shown = [text.strip() for text in texts_of(document) if any(letter.isalpha() for letter in text)]
    assert any(LEFT in text for text in shown)
    bare = [
        text
        for text in shown
        if LEFT not in text and text not in DATA and str(pseudo_pages.projects.folder) not in text
    ]
    assert bare == []


def test_a_text_that_is_not_there_is_an_error():
    with pytest.raises(NoTextError):
        Texts({"a": {"b": "c"}}).text("a.d")
    assert Texts({"a": {"b": "c {n}"}}).text("a.b", n=3) == "c 3"
