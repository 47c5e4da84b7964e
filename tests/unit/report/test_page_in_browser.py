"""The page in a real browser: its interactive parts against Python, by keyboard, in light and dark, wide and narrow."""

from __future__ import annotations

import io
import re
from importlib import resources

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import confusion_matrix

from radstudy.report import files, write
from radstudy.report.page_script import page_script
from radstudy.report.write import write_report
from radstudy.statistics import decision_curve
from unit.app.static.pages import CHROMIUM, browser_or_skip

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

RISKS = "evaluate/resampling/patients.csv"


def drawn_quickly(part, notice, kinds):
    memory = io.BytesIO()
    Image.new("RGB", (40, 30)).save(memory, "PNG")
    return {"svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"/>', "png": memory.getvalue()}


@pytest.fixture(scope="module")
def browser():
    browser_or_skip()
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def written():
    """The page that the tests share, once the first has written it."""
    return {}


@pytest.fixture
def report(whole, tmp_path_factory, monkeypatch, written):
    """The page of the made-up study, its figures left empty."""
    rng = np.random.default_rng(5)
    risks = whole.frames[RISKS]
    whole.frames[RISKS] = risks.assign(risk_median=np.round(0.25 * risks["outcome"] + 0.6 * rng.random(len(risks)), 2))
    monkeypatch.setattr(write, "read_facts", lambda protocol, run: whole)
    monkeypatch.setattr(files, "_files_or_bug", drawn_quickly)
    if "page" not in written:
        written["page"] = write_report(whole.protocol, tmp_path_factory.mktemp("report"))
    return written["page"]


@pytest.fixture
def opened(browser, report):
    """Opens the report from its file; an error of a script fails the test."""
    contexts, complaints = [], []

    def page(*, width=1366, scheme="light", scripts=True):
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=scripts
        )
        contexts.append(context)
        made = context.new_page()
        made.set_default_timeout(15_000)
        made.on("pageerror", lambda error: complaints.append(str(error)))
        made.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        made.on(
            "request", lambda asked: None if asked.url.startswith(("file:", "data:")) else complaints.append(asked.url)
        )
        made.goto(report.as_uri())
        return made

    yield page
    for context in contexts:
        context.close()
    assert complaints == []


def unfold(page):
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


# --- the movable cut-off against scikit-learn and the statistics package ----------------------------------------------


def measured(page):
    """The measures that the page prints, by name: their texts."""
    rows = page.locator("#interactive-cutoff .numbers tbody tr")
    return {cells[0]: cells[1:] for cells in (row.locator("th, td").all_inner_texts() for row in rows.all())}


def expected(risks, cutoff):
    outcome, called = risks["outcome"].to_numpy(), (risks["risk_median"].to_numpy() >= cutoff).astype(int)
    tn, fp, fn, tp = confusion_matrix(outcome, called, labels=[0, 1]).ravel().tolist()
    parts = {"Sensitivity": (tp, tp + fn), "Specificity": (tn, tn + fp), "PPV": (tp, tp + fp), "NPV": (tn, tn + fn),
             "Accuracy": (tp + tn, tp + fp + tn + fn)}  # fmt: skip
    benefit = decision_curve(outcome, risks["risk_median"].to_numpy(), [cutoff], resamples=0).net_benefit[0]
    texts = {name: [f"{part / all_:.3f}" if all_ else "–", f"{part} of {all_}"] for name, (part, all_) in parts.items()}
    return texts | {"Net benefit": [f"{benefit:.3f}".replace("-", "−"), ""]}


def test_the_movable_cutoff_counts_as_python_does(opened, whole):
    page = opened()
    unfold(page)
    slider = page.locator("#cutoff-slider")
    for cutoff in (0.05, 0.31, 0.45, 0.62, 0.97):
        slider.fill(f"{cutoff:.2f}")
        assert measured(page) == expected(whole.frames[RISKS], cutoff)
        assert page.locator("#interactive-cutoff output").inner_text() == f"{cutoff:.2f}"
        row = expected(whole.frames[RISKS], cutoff)
        x, y = (float(page.locator("#interactive-cutoff circle").get_attribute(name)) for name in ("cx", "cy"))
        hit, all_ = map(int, row["Sensitivity"][1].split(" of "))
        away, none = map(int, row["Specificity"][1].split(" of "))
        assert (x, y) == pytest.approx((46 + 260 * (1 - away / none), 10 + 260 * (1 - hit / all_)))


def test_the_slider_is_moved_by_keys_and_is_marked_exploratory(opened):
    page = opened()
    unfold(page)
    slider = page.locator("#cutoff-slider")
    slider.fill("0.50")
    slider.press("ArrowRight")
    assert page.locator("#interactive-cutoff output").inner_text() == "0.51"
    assert "not part of the study's results" in page.locator("#interactive-cutoff").inner_text()


# --- the patient picker ----------------------------------------------------------------------------------------------


def test_a_patient_is_chosen_by_a_part_of_the_name_and_all_values_are_those_of_the_run(opened, whole):
    page = opened()
    unfold(page)
    field = page.locator("#patient-field")
    field.fill("TESTING17")
    field.press("Enter")
    scores = whole.frames["model/predictions.csv"]
    (own,) = scores[(scores["model"] == "combined") & (scores["patient"] == "testing17")].to_dict("records")
    shown = page.locator("#interactive-patients .patient")
    assert shown.locator("h4").inner_text() == "testing17"
    said = shown.locator(".facts").inner_text()
    assert f"{own['probability']:.3f}" in said and "testing" in said
    frame = whole.frames["report/contributions.csv"]
    shares = frame.loc[frame["patient"] == "testing17", "contribution"].tolist()
    log_odds = np.log(own["probability"] / (1 - own["probability"]))
    texts = [f"{value:.2f}".replace("-", "−") for value in [*shares, -0.7, log_odds]]
    assert shown.locator("tbody tr td:last-child").all_inner_texts() == texts
    assert sorted(shown.locator(".bars text").all_text_contents()) == sorted(texts[:-2])


def test_previous_next_and_a_name_that_does_not_exist(opened):
    page = opened()
    unfold(page)
    heading = page.locator("#interactive-patients .patient h4")
    first = heading.inner_text()
    page.get_by_role("button", name="Next", exact=True).click()
    assert heading.inner_text() != first
    page.get_by_role("button", name="Previous", exact=True).click()
    assert heading.inner_text() == first
    field = page.locator("#patient-field")
    for text, answer in (("nobody", "No patient of that name"), ("testing", "22 match")):
        field.fill(text)
        field.press("Enter")
        assert page.locator("#interactive-patients [role=status]").inner_text() == answer
        assert heading.inner_text() == first


# --- long tables -----------------------------------------------------------------------------------------------------


def column(page, name, place):
    return page.locator(f"#table-{name} tbody tr:visible td:nth-child({place})").all_inner_texts()


def test_a_long_table_is_sorted_by_key_and_filtered_and_printed_as_it_was(opened):
    page = opened()
    unfold(page)
    before = column(page, "predicted", 1)
    head = page.locator("#table-predicted th", has_text="Probability")
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    probabilities = [float(text) for text in column(page, "predicted", 4)]
    assert probabilities == sorted(probabilities)
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert [float(text) for text in column(page, "predicted", 4)] == probabilities[::-1]
    page.locator("#table-predicted .rows-bar input").fill("testing benign")
    assert len(column(page, "predicted", 1)) == 11
    assert page.locator("#table-predicted [role=status]").inner_text() == "11 of 62 rows"
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#table-predicted tbody td:first-child").all_inner_texts() == before
    page.evaluate("""() => { for (const id of ['answer', 'paper']) document.getElementById(id).remove();
      document.documentElement.dataset.print = 'evidence'; }""")
    assert column(page, "predicted", 1) == before
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    assert len(column(page, "predicted", 1)) == 11


def test_only_long_tables_of_single_cells_can_be_sorted(opened):
    page = opened()
    unfold(page)
    for table in page.locator("table").all():
        rows = table.locator("tbody tr").count()
        simple = table.locator("thead tr").count() == 1 and not table.locator("[colspan]").count()
        plain = "plain" in (table.get_attribute("class") or "")
        assert bool(table.locator(".sorter").count()) == (rows > 12 and simple and not plain)


def test_without_scripts_every_number_is_in_a_table(opened):
    page = opened(scripts=False)
    assert page.locator("#table-predicted tbody tr").count() == 62
    assert page.locator("#table-contributions tbody tr").count() == 62
    assert page.locator("#table-cutoffs tbody tr").count() == 9
    assert page.locator("noscript").count() == 2
    assert page.locator(".sorter, .rows-bar").count() == 0


def test_the_names_of_the_scripts_differ_so_that_they_can_be_one_module():
    names = re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", page_script(), re.MULTILINE)
    assert len(names) > 30 and len(names) == len(set(names))
    assert not re.search(r"^\s*(?:import|export)\b", page_script(), re.MULTILINE)


def test_the_first_key_reaches_a_link_past_the_contents_and_a_link_opens_what_it_points_into(opened):
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.url.endswith("#answer")
    assert not page.locator("#table-predicted table").is_visible()
    page.goto(f"{page.url.partition('#')[0]}#table-predicted")
    assert page.locator("#table-predicted").is_visible()
    page.locator("#table-predicted summary").press("Enter")
    assert page.locator("#table-predicted table").is_visible()


# --- narrow screens ---------------------------------------------------------------------------------------------------


def box(page, selector):
    return page.locator(selector).first.bounding_box()


def test_on_a_phone_the_sentences_come_first_and_no_figure_is_cut(opened):
    page = opened(width=390)
    sentences, figure, checks = (box(page, f"#{name}") for name in ("text-five_sentences", "figure-auc", "checks-all"))
    assert sentences["y"] + sentences["height"] <= figure["y"] < checks["y"]
    caption, first = box(page, "#figure-auc figcaption"), box(page, "#text-five_sentences p")
    assert not caption["y"] - 8 < first["y"] < caption["y"] + caption["height"] + 8
    unfold(page)
    widths = page.evaluate("[...document.querySelectorAll('.wide')].map((one) => one.scrollWidth - one.clientWidth)")
    assert len(widths) > 5 and max(widths) <= 0


def test_a_figure_that_is_too_small_can_be_enlarged_and_one_that_is_not_cannot(opened):
    for width, small in ((390, True), (1366, False)):
        page = opened(width=width)
        frame = page.locator("#figure-roc .wide")
        button = page.get_by_role("button", name="Enlarge Figure 4", exact=True)
        assert bool(button.count()) == small
        if small:
            button.click()
            assert button.get_attribute("aria-pressed") == "true"
            assert frame.evaluate("(one) => one.scrollWidth > one.clientWidth + 100")
            button.click()
            assert frame.evaluate("(one) => one.scrollWidth <= one.clientWidth")


def test_on_a_phone_texts_are_stacked_and_other_tables_keep_their_first_column_and_caption(opened):
    page = opened(width=390)
    unfold(page)
    item = page.locator("#table-checklist_clear tbody tr:has(td[data-label])").first
    cells = item.locator("td").all()
    assert len({round(cell.bounding_box()["x"]) for cell in cells if cell.is_visible()}) == 1
    said = cells[1].evaluate("(one) => getComputedStyle(one, '::before').content")
    assert page.locator("#table-checklist_clear th").nth(1).inner_text() in said
    caption = page.locator("#table-performance .caption")
    scroll = page.locator("#table-performance .scroll")
    before = box(page, "#table-performance .caption"), box(page, "#table-performance tbody tr td")
    scroll.evaluate("(one) => { one.scrollLeft = 200; }")
    assert scroll.evaluate("(one) => one.scrollLeft") > 50
    assert (box(page, "#table-performance .caption"), box(page, "#table-performance tbody tr td")) == before
    assert caption.inner_text().startswith("Table 3.")


def test_a_badge_is_on_one_line_and_a_paragraph_keeps_away_from_the_rule_above_it(opened):
    page = opened(width=390)
    unfold(page)
    assert page.locator(".warned").evaluate_all("(all) => all.every((one) => one.getClientRects().length === 1)")
    gaps = page.evaluate("""[...document.querySelectorAll('.question:has(p)')].map((one) =>
      one.querySelector('p').getBoundingClientRect().top - one.firstElementChild.getBoundingClientRect().bottom)""")
    assert len(gaps) > 5 and min(gaps) >= 8


# --- in print --------------------------------------------------------------------------------------------------------


def printed(page):
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")


def test_headers_of_long_tables_are_texts_in_print(opened):
    """Chromium does not paint buttons in a header that it repeats."""
    page = opened()
    unfold(page)
    assert page.locator(".sorter").count() > 5
    printed(page)
    shown = page.locator(".sorter").evaluate_all("(all) => all.map((one) => getComputedStyle(one).display)")
    assert set(shown) == {"contents"}


def test_the_pictures_of_the_first_patients_and_of_opened_ones_are_printed(browser, pictured, tmp_path, monkeypatch):
    monkeypatch.setattr(write, "read_facts", lambda protocol, run: pictured)
    monkeypatch.setattr(files, "_files_or_bug", drawn_quickly)
    page = browser.new_page()
    page.goto(write_report(pictured.protocol, tmp_path / "run").as_uri() + "?print=evidence")
    seen = "(all) => all.map((one) => one.checkVisibility() && one.clientHeight > 0)"
    page.locator(".album").nth(20).evaluate("(one) => { one.open = true; }")
    page.emulate_media(media="print")
    shown = page.locator(".album .strip").evaluate_all(seen)
    said = page.locator(".paper-only").inner_text()
    page.close()
    assert [place for place, visible in enumerate(shown) if visible] == [*range(12), 20]
    assert said == f"Printed: the first 12 of these {len(shown)} patients, and those that are open in the page."


def test_in_print_no_title_is_twice_and_no_line_is_cut(opened):
    page = opened()
    unfold(page)
    for folded in page.locator("details.folded:has(table)").all():
        number = folded.locator("summary").inner_text().partition(".")[0]
        assert folded.inner_text().count(f"{number}.") == 1
    printed(page)
    page.evaluate("""() => { for (const id of ['answer', 'paper']) document.getElementById(id).remove();
      document.documentElement.dataset.print = 'evidence'; }""")
    settings = page.locator("pre.settings")
    assert settings.evaluate("(one) => getComputedStyle(one).whiteSpace") == "pre-wrap"
    assert not page.locator(".part:has(> .interactive)").first.is_visible()


def test_a_figure_leaves_room_on_its_page_for_its_caption(opened):
    page = opened()
    printed(page)
    for figure in page.locator("#paper figure:has(.wide)").all():
        lines = int(figure.evaluate("(one) => one.style.getPropertyValue('--lines')"))
        most = figure.locator("img").evaluate("(one) => parseFloat(getComputedStyle(one).maxHeight)")
        assert lines >= 1 and most <= (238 - 3.9 * lines) / 25.4 * 96 + 1


# --- accessibility and validity --------------------------------------------------------------------------------------


def findings(page, axe):
    """Serious and critical findings of axe: rule, and the elements."""
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [(one["id"], [node["html"][:120] for node in one["nodes"][:3]])
            for one in found if one["impact"] in ("serious", "critical")]  # fmt: skip


def axe_or_skip():
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize(("scheme", "width"), [
    ("light", 1366), pytest.param("light", 390, marks=pytest.mark.long),
    pytest.param("dark", 1366, marks=pytest.mark.long), pytest.param("dark", 390, marks=pytest.mark.long),
])  # fmt: skip
def test_axe_finds_nothing_serious(opened, scheme, width):
    axe = axe_or_skip()
    page = opened(scheme=scheme, width=width)
    unfold(page)
    assert findings(page, axe) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.evaluate("document.querySelector('main').append(Object.assign(new Image(), {src: 'data:,'}))")
    assert [name for name, _ in findings(page, axe)] == ["image-alt"]  # axe would have said so


def test_the_html_is_valid_with_and_without_its_scripts_elements(opened, report):
    html5lib = pytest.importorskip("html5lib", reason="html5lib is not installed")
    parser = html5lib.HTMLParser(strict=False, namespaceHTMLElements=False)
    tree = parser.parse(report.read_text(encoding="utf-8"))
    assert parser.errors == []
    known = [one.get("id") for one in tree.iter() if isinstance(one.tag, str) and one.get("id")]
    links = [one.get("href") for one in tree.iter("a")]
    assert {link[1:] for link in links if link.startswith("#")} <= set(known)
    page = opened()
    made = page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(made) == len(set(made)) and set(known) <= set(made)
    labelled = page.evaluate("[...document.querySelectorAll('[aria-labelledby], label[for]')]"
                             ".map((one) => one.getAttribute('aria-labelledby') ?? one.htmlFor)")  # fmt: skip
    assert set(labelled) <= set(made)


def test_a_table_of_thousands_of_rows_is_sorted_and_filtered_quickly(browser):
    rng = np.random.default_rng(2)
    rows = "".join(
        "<tr>" + "".join(f"<td>{value:.3f}</td>" for value in row) + "</tr>" for row in rng.random((5000, 8))
    )
    heads = "".join(f"<th>column {place}</th>" for place in range(8))
    page = browser.new_page()
    page.set_content(f"<table><caption>A</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
                     f'<script type="module">{page_script()}</script>')  # fmt: skip
    spent = page.evaluate("""() => {
      const times = [];
      const timed = (act) => {
        const begun = performance.now();
        act();
        document.body.offsetHeight;
        times.push(performance.now() - begun);
      };
      const field = document.querySelector(".rows-bar input");
      timed(() => { field.value = "0.12"; field.dispatchEvent(new Event("input")); });
      timed(() => { field.value = ""; field.dispatchEvent(new Event("input")); });
      timed(() => document.querySelectorAll(".sorter")[3].click());
      return times;
    }""")
    values = [float(text) for text in page.locator("tbody td:nth-child(4)").all_inner_texts()]
    page.close()
    assert len(values) == 5000 and values == sorted(values)
    assert max(spent) < 3000, spent
