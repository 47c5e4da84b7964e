"""A part of the report, a file of it, and a sentence that meet a bug: the page names it and has its traceback."""

import html
import io
import re

import pytest
from PIL import Image

from radstudy import bugs
from radstudy.report import figures, files, sections, tables, write
from radstudy.report.facts import AbsentError
from radstudy.report.text import Paragraph, sentence
from radstudy.report.write import write_report

ID = re.compile(r"bug-[0-9a-f]{4}")


def planted(facts):
    raise ZeroDivisionError(f"planted: {facts.frame('model/predictions.csv')['patient'][0]} in /data/of/Weiss")


def one_pixel():
    memory = io.BytesIO()
    Image.new("L", (1, 1)).save(memory, format="PNG")
    return memory.getvalue()


ONE_PIXEL = one_pixel()


def drawn_quickly(part, notice, kinds):
    return {"svg": b"<svg/>", "png": ONE_PIXEL}


def not_there(facts):
    raise AbsentError("not there")


@pytest.fixture
def run(facts, tmp_path, monkeypatch):
    """Writes the report of the made-up study; gives the page, the log and what is said."""
    scores = facts.frames["model/predictions.csv"]
    facts.frames["model/predictions.csv"] = scores.assign(patient=scores["patient"].replace("training0", "Huber"))
    monkeypatch.setitem(tables.TABLES, "selected_features", not_there)  # the made-up study has no penalties
    monkeypatch.setattr(write, "read_facts", lambda protocol, run: facts)

    def written(jobs=1):
        said = []
        with bugs.logged_in(tmp_path / "run.log", say=said.append):
            page = write_report(facts.protocol, tmp_path, jobs=jobs).read_text(encoding="utf-8")
        return html.unescape(page), (tmp_path / "run.log").read_text(), said

    return written


def assert_one_bug(page, log, said):
    (identifier,) = set(ID.findall(page))
    assert set(ID.findall(log)) == {identifier} == set(ID.findall("".join(said)))
    assert "Huber" not in log and "Weiss" not in log
    return identifier


@pytest.mark.parametrize(("registry", "name"), [(tables.TABLES, "performance"), (figures.FIGURES, "roc")])
def test_a_broken_part_has_its_traceback_folded_in_the_page(run, monkeypatch, registry, name):
    monkeypatch.setitem(registry, name, planted)
    monkeypatch.setattr(files, "_files_or_bug", drawn_quickly)
    page, log, said = run()
    identifier = assert_one_bug(page, log, said)
    (traceback,) = re.findall(rf"<details[^>]*><summary>{identifier}:[^<]*</summary><pre[^>]*>(.*?)</pre>", page,
                              re.DOTALL)  # fmt: skip
    assert "in planted\n" in traceback and "ZeroDivisionError: planted: *** in ***" in traceback
    assert traceback.strip() in log
    absent = re.search(r'<p class="absent">[^\n]*could not be made[^\n]*</p>', page)[0]
    assert identifier in absent and "run.log" in absent and "Huber" not in absent
    assert page.count("could not be made") == 1  # the other parts are there


@pytest.mark.long
def test_a_part_whose_files_cannot_be_made_does_not_end_the_report(run, monkeypatch):
    real = files._made

    def in_worker(task, **given):  # pickled by value, with the fault in it
        if getattr(task, "name", "") != "performance":
            return real(task, **given)
        try:
            raise ZeroDivisionError("planted Huber")
        except ZeroDivisionError as error:
            return bugs.bug_of(error)

    monkeypatch.setattr(files, "_made", in_worker)
    page, log, said = run(jobs=2)
    assert_one_bug(page, log, said)
    assert page.count("could not be made") == 1 and "report: files of performance" in log


def test_a_sentence_that_cannot_be_said_names_its_bug(run, monkeypatch):
    monkeypatch.setattr(files, "_files_or_bug", drawn_quickly)
    broken = sentence.Sentence("planted", lambda _: True, planted)
    monkeypatch.setitem(sections.TEXTS, "methods", lambda facts: [Paragraph(sentence.said(facts, [broken]), "Methods")])
    page, log, told = run()
    identifier = assert_one_bug(page, log, told)
    (not_said,) = re.findall(r"\(A sentence is missing[^\n]*\)", page)
    assert f"planted: ZeroDivisionError: planted: *** in *** ({identifier}); see run.log" in not_said
