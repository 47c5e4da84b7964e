"""The report's figures of models: what is drawn is what the run's files say."""

import io

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve

from radstudy import statistics
from radstudy.report.facts import AbsentError
from radstudy.report.figures import FIGURES
from radstudy.report.figures.decision import compared, limits
from radstudy.report.figures.funnel import stages_of
from radstudy.report.figures.panels import panels, set_key, side_label, square_height, wrapped
from radstudy.report.figures.style import BLUE, SETS, figure, rendered, style
from radstudy.report.write import write_report

NEW = ("funnel", "precision_recall", "scores", "calibration", "decision", "forest", "nomogram")


def with_precision_recall(facts, curve=precision_recall_curve):
    """With the points of scikit-learn's curve, which begins at recall 0, or of radstudy's, which does not."""
    parts = []
    for (model, which), part in facts.frames["model/predictions.csv"].groupby(["model", "set"], sort=False):
        found = curve(part["outcome"].to_numpy(), part["probability"].to_numpy())
        precision, recall = (found.precision, found.recall) if hasattr(found, "recall") else found[:2]
        parts.append(pd.DataFrame({"model": model, "set": which, "precision": precision, "recall": recall}))
    facts.frames["evaluate/precision_recall.csv"] = pd.concat(parts, ignore_index=True)
    return facts


@pytest.mark.parametrize("name", NEW)
def test_every_figure_is_drawn_with_its_words_and_numbers(facts, name):
    drawing = FIGURES[name](with_precision_recall(facts))
    assert len(drawing.alt) > 40
    assert drawing.notes
    assert len(drawing.frame) > 0
    files = rendered(drawing.figure, {"svg", "png"})
    assert files["png"].startswith(b"\x89PNG")
    assert b"<svg" in files["svg"][:2000]


@pytest.mark.parametrize(
    ("name", "file"),
    [("funnel", "model/funnel.csv"), ("precision_recall", "evaluate/precision_recall.csv"),
     ("scores", "model/predictions.csv"), ("calibration", "evaluate/calibration.csv"),
     ("decision", "evaluate/decision_curves.csv"), ("forest", "evaluate/regression.csv")],
)  # fmt: skip
def test_a_file_that_is_not_there_is_said(facts, name, file):
    with_precision_recall(facts).frames.pop(file)
    with pytest.raises(AbsentError, match=file.split("/")[1]):
        FIGURES[name](facts)
    facts.frames[file] = pd.DataFrame()
    if name != "funnel":
        with pytest.raises(AbsentError):
            FIGURES[name](facts)


def drawn(axes, which):
    return [line for line in axes.lines if line.get_color() == SETS[which][0] and len(line.get_xdata()) > 2]


def test_calibration_curves_and_what_is_said_of_them(facts):
    axes = FIGURES["calibration"](facts).figure.axes
    both = axes[3]
    (training,), (testing,) = drawn(both, "training"), drawn(both, "testing")
    assert testing.get_ydata() == pytest.approx(np.linspace(0.1, 0.9, 9) ** 2)
    assert training.is_dashed()
    assert not testing.is_dashed()
    words = "\n".join(text.get_text() for text in both.texts)
    assert "slope 0.83 (0.21 to 1.45)" in words
    assert "intercept −0.12 (−0.90 to 0.70)" in words
    assert "Brier 0.187" in words
    assert sum(patch.get_height() > 0 for patch in both.patches) > 3  # the predictions below the curves
    assert not drawn(axes[1], "testing")
    said = " ".join(" ".join(text.get_text().split()) for text in axes[1].texts)
    assert "all probabilities are equal: no slope" in said


def test_the_histogram_counts_the_testing_predictions(facts):
    axes = FIGURES["calibration"](facts).figure.axes[3]
    scores = facts.frames["model/predictions.csv"]
    part = scores[(scores["model"] == "both") & (scores["set"] == "testing")]
    counts = [np.histogram(part.loc[part["outcome"] == y, "probability"], np.linspace(0, 1, 21))[0] for y in (1, 0)]
    heights = np.array([patch.get_height() for patch in axes.patches]).reshape(2, 20) * np.array([[1], [-1]])
    assert heights / heights.max() == pytest.approx(np.array(counts) / np.max(counts))


def test_decision_curves_show_the_models_that_are_compared(facts):
    assert compared(facts, {"clinical", "T2", "DWI", "both", "combined"}) == [
        "combined",
        "both",
        "clinical",
        "T2",
        "DWI",
    ]
    figure = FIGURES["decision"](facts).figure
    testing, training = figure.axes
    assert "Testing" in testing.get_title(loc="left")
    assert "apparent, selection ignored" in training.get_title(loc="left")
    labels = [line.get_label() for line in testing.lines]
    assert labels == ["treat none", "treat all", "combined", "both", "clinical", "T2", "DWI"]
    frame = facts.frames["evaluate/decision_curves.csv"]
    own = frame[(frame["model"] == "combined") & (frame["set"] == "testing")]
    assert testing.lines[2].get_ydata() == pytest.approx(own["net_benefit"].to_numpy())
    assert len(testing.collections) == 1  # the band of the study's model
    assert not training.collections


def test_decision_curves_of_nothing_are_said(facts):
    facts.frames["evaluate/decision_curves.csv"]["net_benefit"] = np.nan
    with pytest.raises(AbsentError, match="no decision curve to draw"):
        FIGURES["decision"](facts)


def test_thresholds_end_where_no_model_helps_any_more():
    at = np.linspace(0.01, 0.99, 99)
    benefit = np.where(at <= 0.42, 0.1, -0.3)
    frame = pd.DataFrame(
        {"set": "testing", "threshold": at, "net_benefit": benefit, "treat_all": 0.2 - 0.8 * at / (1 - at)}
    )
    right, low, high = limits(frame)
    assert right == pytest.approx(0.5)
    assert low < 0 < high <= 0.25
    never = frame.assign(net_benefit=-0.1)
    assert limits(never)[0] == pytest.approx(0.45)  # twice the share of positives and a little
    assert limits(frame.assign(net_benefit=0.1))[0] == pytest.approx(0.9)


def test_the_funnel_of_each_kind_of_model(facts):
    assert stages_of(facts, "T2") == [("Extracted", 1218), ("Reproducible", 1100), ("Values known", 1100),
                                      ("Not collinear", 90), ("Boosted trees", 1), ("In the model", 1)]  # fmt: skip
    assert stages_of(facts, "clinical") == [("Candidates", 3), ("Univariate regression", 1), ("In the model", 1)]
    assert stages_of(facts, "both") == [("Pooled", 2), ("Boosted trees", 2), ("In the model", 2)]
    assert stages_of(facts, "combined") == [("From both", 2), ("From clinical", 1), ("In the model", 5)]
    facts.protocol.model.models["like"] = facts.protocol.model.models["T2"].model_copy(
        update={"sequences": None, "like": "T2"}
    )
    assert stages_of(facts, "like") == [("From T2", 1), ("In the model", 0)]
    facts.documents["agree/summary.json"]["note"] = "one reader drew the lesions"
    assert stages_of(facts, "T2")[0] == ("Candidates", 1100)


def test_bars_of_the_funnel_are_to_scale(facts):
    axes = FIGURES["funnel"](facts).figure.axes[1]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([1, *(np.array([1100, 1100, 90, 1, 1]) / 1218)])


def test_the_forest_marks_firth_and_says_what_was_refused(facts):
    drawing = FIGURES["forest"](facts)
    axes, clinical = drawing.figure.axes
    assert axes.get_xscale() == "log"
    words = [" ".join(text.get_text().split()) for text in axes.texts]
    assert words[0] == "2.00 (1.10 to 3.64), p <0.001"
    assert words[1] == "0.250 (0.00200 to 40,000), p <0.001, Firth"
    assert words[2] == "not estimated: a linear combination of others"
    marks = {line.get_marker(): line for line in axes.lines}
    assert marks["D"].get_markerfacecolor() == "white"
    assert marks["D"].get_xdata() == [0.25]
    assert marks[">"].get_xdata()[0] == pytest.approx(axes.get_xlim()[1])  # the interval goes on
    assert "<" not in marks
    points = [line for line in axes.lines if line.get_marker() == "o" and line.get_color() == BLUE]
    assert [line.get_xdata()[0] for line in points] == [2, 2, 2]
    assert len(clinical.texts) == 1
    assert "1 term not estimated" in drawing.alt
    assert any("selection ignored" in note for note in drawing.notes)


def test_a_model_without_features_is_named_below_the_forest(facts):
    frame = facts.frames["evaluate/regression.csv"]
    facts.frames["evaluate/regression.csv"] = frame[frame["model"] != "clinical"]
    drawing = FIGURES["forest"](facts)
    assert drawing.notes[-1] == "Not drawn, because they have no regression (no feature, or no formula): clinical."


def test_scores_stand_on_the_cut_off_of_table_3(facts):
    drawing = FIGURES["scores"](facts)
    table, scores = facts.frames["evaluate/table3.csv"], facts.frames["model/predictions.csv"]
    cutoff = table.loc[table["model"] == "combined", "cutoff"].iloc[0]
    own = scores[(scores["model"] == "combined") & (scores["set"] == "testing")]
    bars = drawing.figure.axes[0].patches
    tops = np.array([bar.get_y() + bar.get_height() for bar in bars])
    assert tops == pytest.approx(np.sort(own["probability"]), abs=0.0041)  # the least bar is as high as one can see
    assert all(line.get_ydata()[0] == cutoff for axes in drawing.figure.axes for line in axes.lines if line.is_dashed())
    above = int((own.loc[own["outcome"] == 1, "probability"] >= cutoff).sum())
    assert "testing, malignant: median" in drawing.alt
    assert f"{above} of 11 at or above the cut-off" in drawing.alt


def test_scores_of_few_patients_and_of_one_class(facts):
    scores = facts.frames["model/predictions.csv"]
    few = scores[(scores["set"] == "training") | (scores["patient"].isin(["testing0", "testing2"]))]
    facts.frames["model/predictions.csv"] = few
    drawing = FIGURES["scores"](facts)
    assert drawing.figure.axes[2].get_xticklabels()[1].get_text() == "malignant (n = 0)"
    rendered(drawing.figure, {"svg"})


@pytest.mark.parametrize("curve", [precision_recall_curve, statistics.precision_recall_curve])
def test_the_area_under_the_drawn_steps_is_the_average_precision(facts, curve):
    """scikit-learn's average precision is the area under the steps."""
    axes = FIGURES["precision_recall"](with_precision_recall(facts, curve)).figure.axes
    scores = facts.frames["model/predictions.csv"]
    for panel, model in zip(axes, ("clinical", "T2", "DWI", "both", "combined"), strict=True):
        for which in ("training", "testing"):
            (line,) = [line for line in panel.lines if line.get_drawstyle() == "steps-pre"
                       and line.get_color() == SETS[which][0]]  # fmt: skip
            x, y = line.get_data()
            part = scores[(scores["model"] == model) & (scores["set"] == which)]
            expected = average_precision_score(part["outcome"], part["probability"])
            assert (np.diff(x) * y[1:]).sum() == pytest.approx(expected)
            shares = [other.get_ydata()[0] for other in panel.lines if len(other.get_xdata()) == 2]
            assert shares == [0.5, 0.5]
    assert axes[0].texts[0].get_text() == "testing AP 0.700 (0.500–0.850)"


@pytest.mark.parametrize("name", ["roc", "precision_recall", "calibration"])
def test_the_numbers_of_a_panel_stand_above_its_axes_and_cover_no_curve(whole, name):
    with style():
        drawing = FIGURES[name](with_precision_recall(whole)).figure
        drawing.draw_without_rendering()
    for axes in drawing.axes:
        texts = [text for text in axes.texts if any(map(str.isdigit, text.get_text()))]
        assert texts and axes.get_legend() is None
        top, title = axes.bbox.y1, axes.title if axes.title.get_text() else axes._left_title
        edges = [text.get_window_extent() for text in texts]
        assert min(edge.y0 for edge in edges) >= top
        assert max(edge.y1 for edge in edges) <= title.get_window_extent().y0 + 1


def test_the_label_of_the_vertical_axes_of_one_row_ends_below_the_legend_and_above_the_edge():
    with style():
        drawing, _ = panels(list("abc"), height=square_height(3, columns=4, lines=2), columns=4, around=0.6)
        side_label(drawing, "observed proportion of patients who have a metastasis of the lung")
        set_key(drawing)
        drawing.draw_without_rendering()
    label, key = drawing._supylabel.get_window_extent(), drawing.legends[0].get_window_extent()
    assert label.y0 >= 0 and label.y1 <= key.y0


def test_every_panel_of_the_forest_has_the_ticks_of_its_axis(facts):
    axes = FIGURES["forest"](facts).figure.axes
    assert len(axes) > 1
    assert all(one.xaxis.get_major_ticks()[0].label1.get_visible() for one in axes)


def test_treating_all_and_treating_none_differ_in_their_line(facts):
    none, everyone = FIGURES["decision"](facts).figure.axes[0].lines[:2]
    assert (none.get_label(), everyone.get_label()) == ("treat none", "treat all")
    assert everyone.is_dashed() and not none.is_dashed()


def test_the_heat_maps_of_few_models_are_small(whole):
    with style():
        drawing = FIGURES["delong"](whole).figure
    drawing.draw_without_rendering()
    side = drawing.axes[0].get_window_extent().width / drawing.dpi / (len(whole.fitted) - 1)
    assert 0.25 < side < 0.55


def test_the_arrow_to_the_training_set_is_straight_and_a_long_reason_is_indented(whole):
    reason = "magnetic resonance imaging after neoadjuvant chemotherapy or radiotherapy"
    whole.documents["cohort/flow.json"]["excluded"] = [{"reason": reason, "patients": 8}]
    (axes,) = FIGURES["flowchart"](whole).figure.axes
    place = {text.get_text(): text.get_position() for text in axes.texts}
    (included,) = [at for text, at in place.items() if text.startswith("Included")]
    (training,) = [at for text, at in place.items() if text.startswith("Training")]
    assert included[0] == training[0]
    (first,) = [text for text in place if text.startswith("•")]
    (second,) = [text for text in place if "(n\u00a0=\u00a08)" in text]
    assert first != second and place[second][0] > place[first][0]


def test_the_funnel_says_what_stands_beside_from(facts):
    assert "put together" in " ".join(FIGURES["funnel"](facts).notes)
    models = facts.protocol.model.models
    for name in facts.fitted:
        models[name] = models[name].model_copy(update={"add": None, "like": None, "pool": None})
    assert "put together" not in " ".join(FIGURES["funnel"](facts).notes)


def test_panels_left_over_are_removed_and_the_ones_above_get_their_ticks():
    with style():
        _, grid = panels(["a", "b", "c"], height=2.0, columns=2)
    assert [axes.get_title(loc="left") for axes in grid] == ["a  a", "b  b", "c  c"]
    assert [axes.xaxis.get_major_ticks()[0].label1.get_visible() for axes in grid] == [False, True, True]


def test_long_names_break_between_words():
    assert wrapped("DWI wavelet-HLL_glszm_SmallAreaHighGrayLevelEmphasis", 36).splitlines() == [
        "DWI wavelet-HLL_glszm_", "SmallAreaHighGrayLevelEmphasis"]  # fmt: skip
    assert wrapped("Age", 36) == "Age"


def test_figures_bring_their_numbers_as_a_file(facts, tmp_path, monkeypatch):
    monkeypatch.setattr("radstudy.report.write.read_facts", lambda *_: with_precision_recall(facts))
    page = write_report(facts.protocol, tmp_path).read_text(encoding="utf-8")
    folder = tmp_path / "report" / "figures"
    written = pd.read_csv(folder / "decision.csv")
    assert written["net_benefit"].to_numpy() == pytest.approx(
        facts.frames["evaluate/decision_curves.csv"]["net_benefit"].to_numpy()
    )
    assert set(written["notice"]) == {"MADE UP"}
    assert "its numbers: report/figures/decision.csv" in page
    assert (folder / "nomogram.png").exists()


def test_the_last_bit_of_the_layout_does_not_change_the_file():
    def drawn_at(left):
        with style():
            drawing = figure("single", 2.0, free=True)
            drawing.add_axes((left, 0.2, 0.7, 0.7)).barh([0], [1.0])
            drawing.add_axes((left, 0.2, 0.3, 0.3)).barh([0], [1.0])
            return rendered(drawing, ["svg"])["svg"]

    one, other = drawn_at(0.2), drawn_at(float(np.nextafter(0.2, 1)))
    assert one == other
    assert one.count(b'<clipPath id="clip') == 2 and b"url(#clip2)" in one


def test_files_for_a_journal_have_300_dpi_and_texts_as_texts(facts):
    from PIL import Image

    drawing = FIGURES["funnel"](with_precision_recall(facts))
    files = rendered(drawing.figure, ("pdf", "tiff", "png"))
    for kind in ("tiff", "png"):
        image = Image.open(io.BytesIO(files[kind]))
        assert image.format == kind.upper() and image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert Image.open(io.BytesIO(files["tiff"])).info["compression"] == "tiff_lzw"
    assert b"/FontFile2" in files["pdf"] and b"/Type3" not in files["pdf"] and b"/CreationDate" not in files["pdf"]
