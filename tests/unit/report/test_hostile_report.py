"""Hostile text in every field that a user writes does nothing: not in the page, its drawings, Word, CSV or XLSX."""

from __future__ import annotations

import json
import re
import warnings
import zipfile
from dataclasses import replace
from xml.etree import ElementTree

import openpyxl
import pytest

from radstudy.protocol.load import parse_protocol
from radstudy.report import write
from radstudy.report.facts import RunFacts
from radstudy.report.write import write_report
from unit.app.static.pages import CHROMIUM, browser_or_skip
from unit.report.conftest import MORE_STUDY, DeclaredFrames
from unit.test_spreadsheet_formulas import cells_of, computed

ATTACKS = (
    '<img src=x onerror="window.hacked=1">',
    "</script><script>window.hacked=1</script>",
    "$\\frac$",
    '=HYPERLINK("http://x","y")',
    "+1+1",
    "@x",
    "\u202eשלום",
    "--></style></title></textarea><svg onload=window.hacked=1>",
    "'\" onmouseover=window.hacked=1 ",
)
IN_TABLES = "\x07\x00\x9f"  # a study file with control characters is refused, a table may hold them
MODELS = ("clinical", "T2", "DWI", "both", "combined")
MODEL_COLUMNS = {"model", "model_a", "model_b", "base", "extended", "branch"}
READER_COLUMNS = {"reader", "reader_a", "reader_b", "confirmed_by"}


class Names:
    """A hostile name for every name of the made-up study: the attacks in turn, from one that the test chooses."""

    def __init__(self, first):
        fields = ["test", "MADE UP", "reader a", "reader b", *(f"model {name}" for name in MODELS), "age", "margin",
                  "Age", "Margin", "smooth", "lobed", "spiculated", "benign", "malignant", "no MRI", "small",
                  "strong field", "few events", "empty", "draw it", "lost.nii.gz"]  # fmt: skip
        self.of = {name: f"{ATTACKS[(first + place) % len(ATTACKS)]}{name}" for place, name in enumerate(fields)}

    def protocol(self):
        text = MORE_STUDY.replace("study: test", f"study: {self.quoted('test')}")
        text = text.replace("notice: MADE UP", f"notice: {self.quoted('MADE UP')}")
        text = text.replace("readers: [a, b]", f"readers: [{self.quoted('reader a')}, {self.quoted('reader b')}]")
        for name in ("label: Age", "label: Margin"):
            text = text.replace(name, f"label: {self.quoted(name.removeprefix('label: '))}")
        text = text.replace("age: {", f"{self.quoted('age')}: {{").replace("margin: {", f"{self.quoted('margin')}: {{")
        for name in ("smooth", "lobed", "spiculated", "benign", "malignant"):
            text = text.replace(name, self.quoted(name))
        before, _, models = text.partition("  models:\n")
        models = models.replace(
            "    clinical: {clinical: {}}", f"    {self.quoted('model clinical')}: {{clinical: {{}}}}"
        )
        own = {name: self.quoted(f"model {name}") for name in MODELS}
        models = models.replace("pool: [T2, DWI]", f"pool: [{own['T2']}, {own['DWI']}]")
        for name in ("T2", "DWI", "both", "combined"):
            models = models.replace(f"\n    {name}:", f"\n    {own[name]}:")
        models = models.replace("add: [both, clinical]", f"add: [{own['both']}, {own['clinical']}]")
        declared = f"model: {own['combined']}, against: {own['clinical']}"
        models = models.replace("model: combined, against: clinical", declared)
        return parse_protocol(f"{before}  models:\n{models}")

    def quoted(self, name):
        return json.dumps(self.of[name], ensure_ascii=True)

    def cell(self, column, value):
        if not isinstance(value, str):
            return value
        if column in MODEL_COLUMNS:
            return self.of.get(f"model {value}", value)
        if column in READER_COLUMNS:
            return self.of.get(f"reader {value}", value)
        if column == "patient":
            return f"{ATTACKS[sum(map(ord, value)) % len(ATTACKS)]}{IN_TABLES}{value}"
        if value.startswith("clinical:"):
            variable, _, level = value.removeprefix("clinical:").partition("=")
            return f"clinical:{self.of[variable]}" + (f"={self.of[level]}" if level else "")
        return self.of.get(value, value)

    def frame(self, frame):
        own = frame.rename(columns={name: self.of[name] for name in ("age", "margin") if name in frame})
        for name in own.columns:
            own[name] = [self.cell(str(name), value) for value in own[name]]
        return own

    def facts(self, whole):
        frames = {name: self.frame(frame) for name, frame in whole.frames.items()}
        models = {self.of[f"model {name}"]: one for name, one in whole.documents["model/models.json"].items()}
        signature = json.loads(json.dumps(whole.documents["signature.json"]))
        signature["model"] = self.of["model combined"]
        for term in signature["formula"]["terms"]:
            term["name"] = self.cell("feature", term["name"])
        signature["clinical"] = {self.of[name]: {} for name in ("age", "margin")}
        flow = whole.documents["cohort/flow.json"]
        flow = {**flow, "excluded": [{**one, "reason": self.of["no MRI"] + IN_TABLES} for one in flow["excluded"]]}
        documents = whole.documents | {
            "model/models.json": models,
            "signature.json": signature,
            "cohort/flow.json": flow,
        }
        return RunFacts(self.protocol(), DeclaredFrames(frames), documents, (), {})


def check_drawings(folder):
    files = list((folder / "report/figures").glob("*.svg"))
    assert len(files) >= 10
    for file in files:
        for one in ElementTree.parse(file).iter():
            assert not one.tag.endswith("script")
            assert not any(name.startswith("on") for name in one.attrib)


def check_word(folder):
    files = [*(folder / "report").rglob("*.docx")]
    assert len(files) > 20
    for file in files:
        with zipfile.ZipFile(file) as parts:
            text = parts.read("word/document.xml").decode("utf-8")
            related = parts.read("word/_rels/document.xml.rels").decode("utf-8")
        ElementTree.fromstring(text)
        assert not re.search(r"<w:(instrText|fldSimple|hyperlink|object|altChunk)\b", text), file.name
        assert 'TargetMode="External"' not in related, file.name


def check_spreadsheets(folder):
    for file in (folder / "report").rglob("*.csv"):
        assert [cell for cell in cells_of(file) if computed(cell)] == [], file.name
    for file in (folder / "report").rglob("*.xlsx"):
        sheet = openpyxl.load_workbook(file).active
        assert all(cell.data_type != "f" and cell.hyperlink is None for row in sheet.iter_rows() for cell in row), file


def check_page(folder):
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert not re.search("[\x00-\x08\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef]", text)
    assert len(re.findall(r"<script\b", text)) == text.count("</script") == 3
    try:
        import html5lib
    except ImportError:
        return
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    tree = parser.parse(text)
    assert parser.errors == []
    elements = [one for one in tree.iter() if isinstance(one.tag, str)]
    assert [one.tag for one in elements for name in one.attrib if name.startswith("on")] == []
    assert {one.tag for one in elements} <= ALLOWED


ALLOWED = {
    "html", "head", "meta", "title", "style", "body", "a", "aside", "header", "h1", "h2", "h3", "h4", "p", "b", "nav",
    "ul", "ol", "li", "main", "section", "div", "span", "small", "data", "table", "caption", "thead", "tbody", "tr",
    "th", "td", "figure", "img", "figcaption", "details", "summary", "dl", "dt", "dd", "footer", "script", "noscript",
    "pre", "br", "sup",
}  # fmt: skip


def check_browser(folder, facts):
    browser_or_skip()
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    complaints = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("dialog", lambda one: (complaints.append(one.message), one.dismiss()))
        page.on("pageerror", lambda one: complaints.append(str(one)))
        page.on("console", lambda one: complaints.append(one.text) if one.type == "error" else None)
        page.on("request", lambda one: None if one.url.startswith(("file:", "data:")) else complaints.append(one.url))
        page.goto((folder / "report.html").as_uri())
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        names = set()
        for _ in facts.frame("cohort/rows.csv").index:
            page.get_by_role("button", name="Next", exact=True).click()
            names.add(page.locator("#interactive-patients h4").inner_text())
        for head in page.locator(".sorter").all():
            head.click()
        page.locator("#finder input").fill("<img")
        assert page.evaluate("window.hacked") is None
        assert page.evaluate("document.querySelectorAll('img[src=x], svg[onload], [onmouseover], iframe').length") == 0
        browser.close()
    assert complaints == []
    assert len(names) == len(facts.frame("cohort/rows.csv")) and any("<img src=x" in name for name in names)


@pytest.mark.long  # half a minute each
@pytest.mark.parametrize("first", range(len(ATTACKS)))
def test_hostile_text_in_every_field_does_nothing(whole, tmp_path, monkeypatch, first):
    names = Names(first)
    facts = names.facts(whole)
    monkeypatch.setattr(write, "read_facts", lambda protocol, run: replace(facts))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_report(facts.protocol, tmp_path)
    assert "could not be made from the files" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    check_page(tmp_path)
    check_drawings(tmp_path)
    check_word(tmp_path)
    check_spreadsheets(tmp_path)
    check_browser(tmp_path, facts)
