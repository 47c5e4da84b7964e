"""The page: three layers, one banner, a watermark in every figure, empty parts in one list, nothing from elsewhere."""

import html
import io
import re

import numpy as np
import pytest
from PIL import Image

from radstudy.report import files, write
from radstudy.report.figures.style import figure, with_notice
from radstudy.report.notice import watermark
from radstudy.report.outline import LAYERS, outline
from radstudy.report.pictures import data_uri
from radstudy.report.write import write_report

NOTICE = 'MADE UP: "no" </style><script>alert(1)</script> patient.'


def drawn_quickly(part, notice, kinds):
    memory = io.BytesIO()
    Image.new("RGB", (40, 30)).save(memory, "PNG")
    return {"svg": b"<svg/>", "png": memory.getvalue()}


@pytest.fixture
def page(whole, tmp_path, monkeypatch):
    """Writes the report of the made-up study with other settings; gives the page."""

    def written(**report):
        update = {"notice": NOTICE, "report": whole.protocol.report.model_copy(update=report)}
        object.__setattr__(whole, "protocol", whole.protocol.model_copy(update=update))
        monkeypatch.setattr(write, "read_facts", lambda protocol, run: whole)
        monkeypatch.setattr(files, "_files_or_bug", drawn_quickly)
        return write_report(whole.protocol, tmp_path).read_text(encoding="utf-8")

    return written


_UNCHANGED: list[str] = []  # the page of the made-up study as it is: made for the first test that looks at it


@pytest.fixture
def text(page):
    """The page of the whole study."""
    if not _UNCHANGED:
        _UNCHANGED.append(page())
    return _UNCHANGED[0]


def identifiers(text):
    return re.findall(r'\bid="([^"]+)"', text)


def test_layers_and_parts_are_on_the_page_once_and_every_link_has_its_target(text):
    known = identifiers(text)
    assert len(known) == len(set(known))
    places = [known.index(layer) for layer in LAYERS]
    assert places == sorted(places)
    wanted = {f"{part.kind}-{part.name}" for section in outline() for part in section.parts if part.number}
    assert wanted <= set(known)  # also those in the list of what there is nothing to show of
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(known)


def test_the_notice_is_said_once_above_and_once_below_and_not_under_captions(text):
    body = html.unescape(text.partition("<body>")[2])
    assert body.count(NOTICE) == 2 + body.partition('id="settings-all"')[2].count(f"notice: '{NOTICE}")
    assert '<aside class="banner" aria-label="Notice">' in body


def test_a_hostile_notice_ends_neither_the_style_nor_the_page(text):
    scripts = re.findall(r"<script[^>]*>", text)
    assert len(scripts) == text.count("</script>") == 3
    assert sum("application/json" in one for one in scripts) == 2
    assert text.count("</style>") == 1
    assert "alert(1)" not in text.partition("</style>")[0]


def test_the_page_asks_for_nothing_from_elsewhere(text):
    assert not re.findall(r'src="(?!data:)[^"]*"', text)
    links = re.findall(r'href="(?!data:|#)([^"]*)"', text)
    assert all(re.fullmatch(r"[\w/.-]+", link) for link in links), links  # files of the run, which lie beside the page
    assert not re.findall(r"url\(|@import|https?://", text.partition("<body>")[0])
    script = text.partition('<script type="module">')[2].replace("http://www.w3.org/2000/svg", "")
    assert not re.findall(r"\bimport\b|\bfetch\b|innerHTML|https?://", script)


def test_without_its_script_nothing_is_hidden_but_folded(text):
    assert " hidden" not in text.partition('<script type="module">')[0].partition("<body>")[2]


def test_empty_parts_are_in_one_list_with_their_reasons(page, whole):
    del whole.frames["agree/kappa.csv"]
    text = page()
    listed = text.partition('id="nothing"')[2].partition("</details>")[0]
    assert "Agreement of the readers on conventional MRI characteristics." in listed
    assert "agree/kappa.csv is missing" in listed
    assert text.count("agree/kappa.csv is missing") == 1
    assert 'id="table-kappa"' in listed


def test_a_reason_that_several_parts_share_is_said_once_with_their_names_in_words(page, whole):
    for name in [name for name in whole.frames if name.startswith("evaluate/resampling/")]:
        del whole.frames[name]
    listed = page().partition('id="nothing"')[2].partition("</details>")[0]
    assert listed.count("No resampling yet: the step") <= 1
    assert "<b>Cutoff.</b>" not in listed and ">Movable cut-off.</b>" in listed
    assert ">Deviations from the preset&#39;s protocol.</b>" in listed


def test_what_a_study_leaves_out_is_not_on_the_page_and_its_check_has_no_link(page):
    text = page(leave_out=("table leaks",), move={"figure decision": "figures"})
    assert 'id="table-leaks"' not in text and 'href="#table-leaks"' not in text
    assert "<b>Leaks</b>" in text
    assert text.index('id="figures"') < text.index('id="figure-decision"') < text.index('id="tables"')


# --- the watermark -----------------------------------------------------------------------------------------------


def test_every_figure_has_the_first_words_of_the_notice_across_and_all_of_it_below():
    drawn = with_notice(figure("single", 2), NOTICE)
    texts = {" ".join(text.get_text().split()): text for text in drawn.texts}
    assert set(texts) == {"MADE UP", NOTICE}
    assert texts["MADE UP"].get_rotation() != 0 and texts["MADE UP"].get_alpha() < 0.3
    assert with_notice(figure("single", 2), "").texts == []


def test_a_watermark_is_short():
    assert watermark("A very long notice without any stop that goes on and on") == "A very long notice without any s"
    assert watermark("") == ""


def test_a_picture_is_marked_and_still_seen(monkeypatch):
    plain = Image.fromarray(np.full((150, 400, 3), 60, dtype=np.uint8))
    assert data_uri(plain) != data_uri(plain, "MADE UP")
    assert data_uri(plain) == data_uri(plain, "")
