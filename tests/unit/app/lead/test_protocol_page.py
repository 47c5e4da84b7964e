"""The protocol's form: what it shows, what it writes, and what it never does to the study file."""

import os
import random
import signal
import time
from itertools import count

import pytest

from radstudy.app.lead.projects import Project
from radstudy.app.lead.protocol_edits import FormEdit, edited, value_of
from radstudy.app.lead.protocol_page import checked, counts, newer_versions, read_page, save
from radstudy.app.lead.protocol_settings import StudySettings
from radstudy.demo.cohort import study_text
from radstudy.errors import StudyFileError
from radstudy.protocol.edit import changed_lines, settings_of
from radstudy.protocol.fields import NAME, setting_fields
from radstudy.protocol.shipped import Preset
from radstudy.protocol.template import template_text
from unit.app.lead.protocol_forms import TABLE, entry_for, place_for

PRESET = Preset("her2-ihc2plus", 1).text()
TEXTS = {"template": template_text(), "preset": PRESET, "table": TABLE}


@pytest.fixture
def project(tmp_path):
    (tmp_path / "study.yaml").write_text(TEXTS["template"], encoding="utf-8")
    return Project(tmp_path / "study.yaml")


def fields_of(text, problems=()):
    fields = StudySettings(settings_of(text), problems).fields()
    return {one.place: one for outer in fields for one in outer.walk()}


def after(text, *edits):
    return edited(text, [FormEdit(*edit) for edit in edits])


def only_change(old, new):
    (change,) = changed_lines(old, new)
    return change.before, change.after


# --- the form ----------------------------------------------------------------------------------------------------


def test_a_field_shows_what_is_written_in_force_and_beneath():
    text = after(TEXTS["template"], ("set", ("extract", "bin_width"), "30"))
    width = fields_of(text)["extract", "bin_width"]
    assert (width.value, width.beneath, width.source, width.is_written, width.differs) == (30, 25, "preset", True, True)
    level = fields_of(text)["evaluate", "regression", "interval"]
    assert (level.value, level.source, level.is_written, level.differs) == ("profile", "default", False, False)
    assert fields_of(text)["extract",].differs is False  # a setting in it does


def test_the_form_has_the_names_that_the_study_has():
    fields = fields_of(PRESET)
    assert fields["model", "signature"].choices[0] == "clinical-imaging"
    assert fields["model", "models", "mpMRI A", "pool"].choices[:2] == ("clinical-imaging", "T2WI")
    assert "mpMRI A" not in fields["model", "models", "mpMRI A", "pool"].choices
    assert fields["model", "models", "T2WI", "sequences"].choices == ("T2WI", "DWI", "DCE3", "DCE7")


def test_short_forms_are_shown_in_full():
    fields = fields_of(TABLE)
    assert fields["features", "columns", "T2WI", "prefix"].value == "T2_"
    assert fields["model", "models", "T2WI", "sequences"].value == ["T2WI"]
    assert fields["model", "fit", 0, "logistic", "folds"].value == 5
    assert fields["model", "select", 1, "lasso", "rule"].value == "best"


def test_errors_are_at_their_field():
    for place, entry, says in (
        (("extract", "bin_width"), "-3", "this should be greater than 0 (given: -3)"),
        (("model", "signature"), "combind C", "did you mean 'combined C'?"),
        (("prepare", 0, "n4", "iterations"), "50, x", "should be a valid integer"),
        (("model", "select", 4, "boosted_trees", "keep"), "{T2WI: 0}", "greater than or equal to 1"),
    ):
        text = after(PRESET, ("set", place, entry))
        _, problems = checked(text)
        fields = fields_of(text, problems)
        assert says in fields[place].problems[0]
        assert sum(len(one.problems) for one in fields.values()) == len(problems) == 1


@pytest.mark.parametrize("text", ["study: [1\n", "a: 1\na: 2\n", "- a\n", "", "study: x\n\tb: 1\n",
                                  "preset: nope/1\n", "cohort: 5\n",
                                  "model: {select: 3, models: [1], fit: {a: 1, b: 2}}\n",
                                  "cohort: {clinical: 3, readers: {a: [1]}}\nfeatures: {columns: 5}\n",
                                  "prepare: {n4: 1}\n", "model: {select: [impute, 3, {a: 1, b: 2}]}"])  # fmt: skip
def test_a_broken_file_opens_with_its_errors(project, text):
    project.study.write_text(text, encoding="utf-8")
    page = read_page(project)
    assert page.problems and page.text == text and not page.may_save
    assert all(problem.message for problem in page.problems)
    assert save(project, page.version, text=f"{text}\n").is_written is False
    assert project.study.read_text(encoding="utf-8") == text


def test_what_a_text_is_not_is_said(project):
    project.study.write_bytes(b"study: \xff\n")
    with pytest.raises(StudyFileError, match="save UTF-8"):
        read_page(project)
    assert read_page(Project(project.folder / "none.yaml")).version == ""


# --- edits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "before", "after_"),
    [
        (("set", ("model", "fit", 0, "logistic", "folds"), "10"), (), ("  fit: {logistic: {folds: 10}}",)),
        (("insert", ("model", "fit", 1), "svm"), (), ("  fit: [logistic, svm]",)),
        (("set", ("model", "models", "T2WI", "fit"), {"svm": {}}), ("  models: {T2WI: [T2WI], DWI: [DWI]}",),
         ("  models: {T2WI: {sequences: [T2WI], fit: {svm: {}}}, DWI: [DWI]}",)),
        (("set", ("features", "columns", "T2WI", "prefix"), "T2WI_"),
         ("  columns: {T2WI: T2_, DWI: {suffix: _dwi}}   # a prefix, or a suffix",),
         ("  columns: {T2WI: T2WI_, DWI: {suffix: _dwi}}   # a prefix, or a suffix",)),
        (("set", ("model", "select", 1, "lasso", "rule"), "one-se"),
         ("    - lasso:",), ("    - lasso: {rule: one-se}",)),
        (("set", ("extract", "images", "wavelet"), "db1"), (),
         ("extract: {images: {original: true, log_sigma_mm: [1, 2, 3, 4, 5], wavelet: db1}}",)),
        (("rename", ("model", "models", "T2WI"), "T2"), ("  models: {T2WI: [T2WI], DWI: [DWI]}",),
         ("  models: {T2: [T2WI], DWI: [DWI]}",)),
        (("set", ("cohort", "outcome", "negative"), "0"), ("  outcome: {column: y, positive: 1}",),
         ('  outcome: {column: y, positive: 1, negative: "0"}',)),
        (("set", ("evaluate", "chance"), None), (), ("evaluate: {chance: null}",)),
        (("set", ("cohort", "side"), ""), None, None),
    ],
)  # fmt: skip
def test_an_edit_writes_what_it_means_in_the_short_form(edit, before, after_):
    new = after(TABLE, edit)
    if before is None:
        assert new == TABLE
    else:
        assert only_change(TABLE, new) == (before, after_)
    assert checked(new)[1] == ()


def test_a_list_of_the_preset_is_written_out_before_it_is_changed():
    template = TEXTS["template"]
    new = after(template, ("set", ("model", "select", 3, "univariate", "below"), "0.01"))
    assert settings_of(new)["model"]["select"][3] == {"univariate": {"test": "mann-whitney", "below": 0.01}}
    new = after(template, ("move", ("model", "models", "T2WI"), None, 0))
    assert next(iter(settings_of(new)["model"]["models"])) == "T2WI"
    new = after(template, ("set", ("cohort", "split", "stratify"), False))
    assert settings_of(new)["cohort"]["split"] == {"train": 0.7, "stratify": False}
    assert checked(new)[1] == ()


def test_back_to_the_preset_removes_the_line_and_the_group_that_it_leaves_empty():
    template = TEXTS["template"]
    for place, entry in ((("evaluate", "interval", "level"), "0.9"), (("extract", "images", "wavelet"), "db1")):
        assert after(template, ("set", place, entry), ("reset", place)) == template
    own = after(
        PRESET,
        ("set", ("cohort", "clinical", "age", "label"), "Years"),
        ("reset", ("cohort", "clinical", "age", "label")),
    )
    assert settings_of(own)["cohort"]["clinical"]["age"] == {"unit": "year"}  # a study without a preset
    own = after(
        template,
        ("set", ("cohort", "clinical", "age", "label"), "Years"),
        ("reset", ("cohort", "clinical", "age", "label")),
    )
    assert settings_of(own)["cohort"]["clinical"]["age"] == {"label": "Age", "unit": "year"}


def test_a_renamed_model_keeps_its_name_wherever_it_is_used():
    text = after(PRESET, ("set", ("evaluate", "primary"), {"model": "combined C", "against": "clinical-imaging"}))
    text = after(
        text, ("rename", ("model", "models", "mpMRI C"), "pooled"), ("rename", ("model", "models", "combined C"), "all")
    )
    settings = settings_of(text)
    assert settings["model"]["models"]["all"] == {"add": ["pooled", "clinical-imaging"]}
    assert settings["model"]["select"][4]["boosted_trees"]["keep"]["pooled"] == 10
    assert (settings["model"]["signature"], settings["evaluate"]["primary"]["model"]) == ("all", "all")
    assert checked(text)[1] == ()


# --- saving ------------------------------------------------------------------------------------------------------


def test_saving_writes_one_line_and_says_which(project):
    before = project.study.read_text(encoding="utf-8")
    page = read_page(project, edits := [FormEdit("set", ("seed",), "7")])
    assert page.may_save
    assert project.study.read_text(encoding="utf-8") == before
    saved = save(project, page.version, edits)
    assert saved.is_written and [change.line for change in saved.changes] == [10]
    assert project.study.read_text(encoding="utf-8") == before.replace("seed: 20260114", "seed: 7       ", 1)
    assert read_page(project).version == saved.version


def test_what_the_loader_refuses_is_never_written(project):
    before, page = project.study.read_bytes(), read_page(project)
    saved = save(project, page.version, [FormEdit("set", ("seed",), "-1")])
    assert (saved.is_written, saved.problems[0].place) == (False, ("seed",))
    assert save(project, page.version, text="study: [").is_written is False
    assert project.study.read_bytes() == before


def test_two_leads_never_overwrite_each_other(project):
    mine, theirs = read_page(project), read_page(project)
    assert save(project, theirs.version, [FormEdit("set", ("study",), "Theirs")]).is_written
    saved = save(project, mine.version, [FormEdit("set", ("seed",), "7")])
    assert not saved.is_written and "study: Theirs" in saved.theirs
    assert "study: Theirs" in saved.mine and "seed: 7" in saved.mine
    assert "seed: 20260114" in project.study.read_text(encoding="utf-8")
    assert save(project, saved.version, [FormEdit("set", ("seed",), "7")]).is_written
    saved = save(project, mine.version, [FormEdit("remove", ("cohort", "clinical", "none"))])
    assert (saved.is_written, saved.mine) == (False, None)


def test_line_ends_and_mark_stay_through_the_form(project):
    windows = "\ufeff" + TEXTS["template"].replace("\n", "\r\n")
    project.study.write_bytes(windows.encode())
    page = read_page(project)
    assert page.problems == ()
    assert save(project, page.version, [FormEdit("set", ("seed",), "7")]).is_written
    new = project.study.read_bytes().decode()
    assert new == windows.replace("seed: 20260114", "seed: 7       ", 1)


def test_features_and_models_are_counted(project):
    counted = counts(project)
    assert (counted.models, counted.per_sequence, counted.features, counted.slow) == (11, 1218, 4872, {})
    counted = counts(
        project, [FormEdit("set", ("extract", "images", "wavelet"), ""), FormEdit("insert", ("model", "fit", 1), "svm")]
    )
    assert (counted.models, counted.per_sequence) == (22, 530)
    assert len(counted.slow) == 11
    assert counts(project, [FormEdit("set", ("seed",), "x")]) is None
    assert counts(project, text=TABLE).features is None
    assert newer_versions(project) is None


# --- every setting -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [0, *(pytest.param(n, marks=pytest.mark.long) for n in range(1, 40))])
def test_every_setting_is_reached_and_comes_back_as_it_was_written(part):
    rng, unreached = random.Random(part), []
    leaves = [
        one for one in setting_fields() if one.kind not in ("group", "steps", "entries") and one.place[-1] != NAME
    ]
    for setting in leaves[part::40]:
        text = TABLE if setting.place[0] == "features" else PRESET
        edits, place = place_for(setting)
        text = edited(text, edits)
        shown = fields_of(text)
        if place not in shown or not comes_back(text, shown[place], rng):
            unreached.append(str(setting))
    assert unreached == []


def comes_back(text, one, rng):
    """True if some entry is written, loads, and is shown again as the same value."""
    for _ in range(20):
        entry = ENTRIES[name](rng) if (name := str(one.setting)) in ENTRIES else entry_for(one, rng)
        new = edited(text, [FormEdit("set", one.place, entry)])
        again = fields_of(new).get(one.place)
        if checked(new)[1] or again is None:
            continue
        if again.control == "line":
            assert value_of(again.setting, again.line) == again.value, (one.place, again.line)
        if again.control not in ("step", "items"):
            assert (
                edited(new, [FormEdit("set", one.place, again.line if again.control == "line" else again.value)]) == new
            )
        return True
    return False


ENTRIES = {  # where few entries are possible
    "schema": lambda _: "1",
    "defaults": lambda _: "1",
    "sequences": lambda _: ["T2WI", "DWI", "DCE3", "DCE7", "ADC"],
    "cohort.images": lambda _: "i/{patient}/{sequence}.nii.gz",
    "cohort.masks": lambda _: "m/{patient}/{sequence}_{reader}.nii.gz",
    "cohort.readers": lambda _: {"Dr Li": "", "Dr Wu": "-2"},
    "cohort.split.column": lambda _: "",
    "cohort.clinical.*.levels": lambda _: "",
    "cohort.clinical.*.range": lambda _: "18, 99",
    "evaluate.primary.model": lambda _: "combined B",
    "extract.bin_count": lambda _: "",
    "extract.features": lambda _: "{glcm: [Contrast], shape: null}",
    "extract.params": lambda _: "p.yaml",
    "model.fit[].elastic_net.mixes": lambda _: "0.5, 1",
    "features.columns.*.suffix": lambda _: "",
    "features.columns.*.pattern": lambda _: "",
    "features.sequence": lambda _: "",
    "features.tables": lambda _: "",
    "model.select[].univariate.above": lambda _: "0.7",
    "prepare[].rescale.from": lambda _: "[1, 99]",
    "prepare[].rescale.to": lambda _: "0, 1000",
    "reading.characteristics.arbiter": lambda _: "Dr Ma",
    "reading.characteristics.differs_above": lambda _: "max_diameter_cm: 0.4",
    "reading.characteristics.definitions": lambda _: "margin: its outline",
    "reading.dicom": lambda _: "dicom/{patient}/{sequence}",
    "reading.windows": lambda _: "T2WI: [[0, 1000], [5, 50]]",
}  # fmt: skip


# --- random edits ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", [60, pytest.param(1000, marks=pytest.mark.long)])  # of edits that the loader accepts
def test_random_edits_are_minimal_differences_that_load(wanted):
    rng, done, refused = random.Random(wanted), 0, 0
    demo = study_text(20260114, False)
    texts = [TABLE, demo, *TEXTS.values()] if wanted > 100 else [TABLE, demo]  # the short ones are quick
    for number in count():
        if number % 12 == 0:
            text = rng.choice(texts)
        one = rng.choice([one for one in fields_of(text).values() if is_editable(one)])
        new = edited(text, [FormEdit("set", one.place, entry_for(one, rng))])
        if checked(new)[1]:
            refused += 1
            continue
        check_difference(text, new, one)
        done, text = done + 1, new
        if done == wanted:
            break
    assert refused < 4 * done


def is_editable(one):
    if one.setting.kind == "group":
        return one.setting.optional and one.setting.info is not None  # not the word of a step
    return one.setting.kind not in ("entries", "steps") and one.place != ("preset",) and one.control != "items"


def check_difference(old, new, one):
    changes = changed_lines(old, new)
    if not changes:
        return
    (change,) = changes  # in one place
    if one.is_written and not isinstance(one.value, dict | list):
        assert max(len(change.before), len(change.after)) == 1
    if not one.is_written:
        assert len(change.before) <= 1  # a line in brackets grows, or lines are added
    if len(change.before) == len(change.after) == 1:
        assert comment_of(change.before[0]) == comment_of(change.after[0])


def comment_of(line):
    """What stands behind the last # with a space before it; none of the texts has one in quotes there."""
    return line.rpartition(" # ")[2] if " # " in line else ""


# --- killed while it writes --------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_killed_server_leaves_one_of_the_two_whole_files(project):
    versions = {
        seed: edited(project.study.read_text(encoding="utf-8"), [FormEdit("set", ("seed",), seed)])
        for seed in ("1", "2")
    }
    seen = set()
    rng = random.Random(1)
    for _ in range(50):
        child = os.fork()
        if child == 0:
            save_forever(project)
        time.sleep(rng.uniform(0.05, 0.4))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        seen.add(project.study.read_text(encoding="utf-8"))
        assert seen <= {*versions.values(), TEXTS["template"]}
        assert read_page(project).problems == ()
    assert set(versions.values()) <= seen


def save_forever(project):
    try:
        for number in count():
            page = read_page(project)
            save(project, page.version, [FormEdit("set", ("seed",), str(number % 2 + 1))])
    finally:
        os._exit(1)
