"""Edits of a study file's text: the smallest difference, or a refusal; never another document than the wanted one."""

import pytest

from radstudy.errors import StudyFileError
from radstudy.protocol.edit import changed_lines, insert, move, remove, rename, set_value, written_at
from radstudy.protocol.shipped import Preset
from radstudy.protocol.yaml_spot import EditRefusedError
from radstudy.protocol.yaml_text import parse_yaml, plain

PRESET = Preset("her2-ihc2plus", 1).text()
TEXT = """\
# my study
study: x   # its title
seed: 7

cohort: {table: 'a b.csv',   # ours
         outcome: {column: fish, positive: "1"}, clinical: {age, er: {levels: [a, b]}}}
sequences:
- T2WI        # first
# between
- DWI
model:
    select:   # in this order
        - impute: median
        - lasso:            # bare
        - mrmr:
            keep: 4
            # of quotients
            score: quotient
    models:
        T2WI: [T2WI]
notice: |
  two
  lines

# the end
report: {}"""


def lines(new, old=TEXT):
    return [(change.before, change.after) for change in changed_lines(old, new)]


@pytest.mark.parametrize(
    ("place", "value", "before", "after"),
    [
        (("study",), "a: b", "study: x   # its title", 'study: "a: b" # its title'),
        (("study",), "z", "study: x   # its title", "study: z   # its title"),
        (("study",), "y", "study: x   # its title", 'study: "y" # its title'),
        (("seed",), 10, "seed: 7", "seed: 10"),
        (("seed",), True, "seed: 7", "seed: true"),
        (("seed",), 1e-4, "seed: 7", "seed: 0.0001"),
        (("seed",), 1e-7, "seed: 7", "seed: 1.0e-07"),
        (("seed",), None, "seed: 7", "seed: null"),
        (("cohort", "table"), "it's", "cohort: {table: 'a b.csv',   # ours", "cohort: {table: 'it''s',     # ours"),
        (("sequences", 1), "no", "- DWI", '- "no"'),
        (("sequences", 0), "T1", "- T2WI        # first", "- T1          # first"),
        (("model", "select", 1, "lasso"), {"folds": 10},
         "        - lasso:            # bare", "        - lasso: {folds: 10} # bare"),
        (("model", "select", 1, "lasso", "folds"), 10,
         "        - lasso:            # bare", "        - lasso: {folds: 10} # bare"),
        (("model", "select", 2, "mrmr", "keep"), {"T2WI": 3}, "            keep: 4", "            keep: {T2WI: 3}"),
        (("model", "models", "T2WI"), ["T2WI", "DWI"], "        T2WI: [T2WI]", "        T2WI: [T2WI, DWI]"),
        (("report", "figures"), ["svg"], "report: {}", "report: {figures: [svg]}"),
    ],
)  # fmt: skip
def test_one_changed_setting_is_one_changed_line(place, value, before, after):
    assert lines(set_value(TEXT, place, value)) == [((before,), (after,))]


@pytest.mark.parametrize(
    ("place", "value", "added", "number"),
    [
        (("evaluate", "compare", "adjust"), "none", "evaluate: {compare: {adjust: none}}", 24),
        (("model", "signature"), "T2WI", "    signature: T2WI", 21),
        (("model", "select", 2, "mrmr", "folds"), 3, "            folds: 3", 19),
        (("defaults",), 1, "defaults: 1", 3),
    ],
)
def test_a_missing_setting_is_one_more_line_at_its_place(place, value, added, number):
    order = {(): ["study", "defaults", "seed", "cohort", "sequences", "model", "notice", "evaluate", "report"]}
    new = set_value(TEXT.replace("report: {}", "report: {}\n"), place, value, order=lambda at: order.get(at, ()))
    assert lines(new, TEXT.replace("report: {}", "report: {}\n")) == [((), (added,))]
    assert changed_lines(TEXT, new)[0].line == number


def test_a_comment_that_goes_on_below_its_setting_is_not_split():
    text = "a: 1          # one;\n#               and two\n# of b\nb: 2\n"
    new = set_value(text, ("c",), 3, order=lambda _: ("a", "c", "b"))
    assert new == "a: 1          # one;\n#               and two\nc: 3\n# of b\nb: 2\n"


def test_the_last_line_may_have_no_end():
    assert set_value("a: 1", ("b",), 2) == "a: 1\nb: 2"
    assert remove("a: 1\nb: 2", ("b",)) == "a: 1\n"


def test_line_ends_and_byte_order_mark_stay():
    windows = "\ufeff" + TEXT.replace("\n", "\r\n") + "\r\n"
    for place, value in (
        (("seed",), 8),
        (("evaluate", "compare"), {"adjust": "none"}),
        (("sequences",), ["T2WI", "A", "DWI"]),
    ):
        new = set_value(windows, place, value)
        assert new.startswith("\ufeff# my study\r\n")
        assert "\n" not in new.replace("\r\n", "")
        assert len(lines(new, windows)) == 1
    for new in (remove(windows, ("sequences", 1)), move(windows, ("sequences", 0), 1), remove(windows, ("seed",))):
        assert "\n" not in new.replace("\r\n", "")


@pytest.mark.parametrize(
    ("place", "gone", "instead"),
    [
        (("seed",), ("seed: 7",), ()),
        (("notice",), ("notice: |", "  two", "  lines"), ()),
        (("sequences", 0), ("- T2WI        # first",), ()),
        (("model", "select", 2), (
         "        - mrmr:", "            keep: 4", "            # of quotients", "            score: quotient"), ()),
        (("model", "select", 2, "mrmr", "keep"), ("            keep: 4",), ()),
        (("model", "models", "T2WI"), ("    models:", "        T2WI: [T2WI]"), ("    models: {}",)),
        (("cohort", "clinical", "age"),
         ("         outcome: {column: fish, positive: \"1\"}, clinical: {age, er: {levels: [a, b]}}}",),
         ("         outcome: {column: fish, positive: \"1\"}, clinical: {er: {levels: [a, b]}}}",)),
        (("cohort", "clinical", "er", "levels", 1),
         ("         outcome: {column: fish, positive: \"1\"}, clinical: {age, er: {levels: [a, b]}}}",),
         ("         outcome: {column: fish, positive: \"1\"}, clinical: {age, er: {levels: [a]}}}",)),
        (("cohort", "table"), ("cohort: {table: 'a b.csv',   # ours",), ("cohort: {   # ours",)),
    ],
)  # fmt: skip
def test_what_is_removed_takes_its_lines_along_and_no_other(place, gone, instead):
    assert lines(remove(TEXT, place)) == [(gone, instead)]


def test_items_are_inserted_behind_a_dash_or_in_brackets():
    assert lines(insert(TEXT, ("model", "select", 0), {"harmonise": {}})) == [((), ("        - harmonise: {}",))]
    assert lines(insert(TEXT, ("model", "select", 3), {"boruta": {"alpha": 0.01}})) == [
        ((), ("        - boruta: {alpha: 0.01}",))
    ]
    assert lines(insert(TEXT, ("sequences", 2), "DCE 3")) == [((), ("- DCE 3",))]
    assert lines(insert(PRESET, ("sequences", 0), "a, b"), PRESET)[0][1] == (
        'sequences: ["a, b", T2WI, DWI, DCE3, DCE7]',
    )


def test_a_moved_item_takes_its_comment_along():
    new = move(TEXT, ("sequences", 0), 1)
    assert "- DWI\n# between\n- T2WI        # first\n" in new
    assert list(plain(parse_yaml(move(PRESET, ("model", "models", "T2WI"), 3), ""))["model"]["models"])[:4] == [
        "clinical-imaging", "DWI", "DCE3", "T2WI",
    ]  # fmt: skip
    assert "sequences: [DCE7, T2WI, DWI, DCE3]\n" in move(PRESET, ("sequences", 3), 0)


def test_a_step_of_another_kind_is_another_line_without_the_old_comment():
    new = set_value(PRESET, ("prepare",), [{"zscore": {"scale": 100}}])
    assert lines(new, PRESET)[0][1] == ("  - zscore: {scale: 100}",)


def test_a_name_changes_alone():
    assert lines(rename(PRESET, ("model", "models", "mpMRI A"), "no"), PRESET) == [
        (("    mpMRI A: {pool: [T2WI, DWI]}",), ('    "no": {pool: [T2WI, DWI]}',))
    ]
    with pytest.raises(EditRefusedError, match="not taken"):
        rename(PRESET, ("model", "models", "T2WI"), "DWI")


def test_many_steps_are_written_on_lines_of_their_own():
    steps = [{"impute": "median"}, {"collinear": {"above": 0.8}}, {"boosted_trees": {"keep": {"T2WI": 3, "DWI": 5}}}]
    new = set_value("study: x\nseed: 1\n", ("model", "select"), steps)
    assert new == (
        "study: x\nseed: 1\nmodel:\n  select:\n    - impute: median\n    - collinear: {above: 0.8}\n"
        "    - boosted_trees: {keep: {T2WI: 3, DWI: 5}}\n"
    )


SHORT = "a: x\nb: {c: 'q'}\nd:\n  - x\n"
SHARED = "a: &x {b: 1, c: 2}\nd: *x\ne:\n  <<: *x\n  f: 1\ng: 1\n"


@pytest.mark.parametrize(
    ("text", "place", "why"),
    [
        (SHARED, ("a", "b"), "shared"),
        (SHARED, ("d", "b"), "shared"),
        (SHARED, ("d",), "shared"),
        (SHARED, ("e", "f"), "shared"),
        ("a: 1\na: 2\n", ("a",), "not YAML"),
        ("a:\n\tb: 1\n", ("a", "b"), "not with tabs"),
        ("a: [1\n", ("a",), "not YAML"),
        ("- a\n", ("a",), "no settings"),
        ("# nothing\n", ("a",), "no settings"),
        ("a: 1\rb: 2\r", ("a",), "line ends"),
        ("a: 1\n---\nb: 2\n", ("a",), "not YAML"),
        ("a: word\n", ("a", "b"), "in place of its group"),
        ("a: [1, 2]\n", ("a", 2), "no item number"),
    ],
)
def test_what_cannot_be_edited_surely_is_refused(text, place, why):
    with pytest.raises(StudyFileError, match=why):
        set_value(text, place, 5)


def test_other_parts_of_a_file_with_shared_ones_are_edited():
    assert set_value(SHARED, ("g",), 2) == SHARED.replace("g: 1", "g: 2")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "a\x00b", "a\x1bb"])
def test_what_yaml_cannot_hold_is_refused(value):
    with pytest.raises(EditRefusedError):
        set_value(TEXT, ("study",), value)


@pytest.mark.parametrize(
    "value", ["", " a", "no", "1", "1e3", "true", "~", "a: b", "a #b", "#", "- a", "{x}", "{patient}/x.nii", "a, b",
              "[",
              "'", '"', "é ü", "a\nb", "2020-01-01", "0x1F", "a:", ": a", "*", "&a", "!x", "%", "@a", "`", "?", "? a",
              "<<",
              "=", "|", ">", "a\tb", "---", "...", "\U0001f600", "a\\b", "12:30"],
)  # fmt: skip
def test_every_text_is_the_same_when_read_again(value):
    text = SHORT
    for place in (("a",), ("b", "c"), ("d", 0), (value,), ("b", value)):  # refused if it were another document
        text = set_value(text, place, value)
    assert written_at(plain(parse_yaml(text, "")), ("b", value)) == value


def test_nothing_changes_if_the_value_is_there_already():
    assert set_value(PRESET, ("cohort", "split", "train"), 0.7) == PRESET
    with pytest.raises(EditRefusedError, match="not in the file"):
        remove(PRESET, ("report", "figures"))
    with pytest.raises(EditRefusedError, match="last setting"):
        remove("a: 1\n", ("a",))
