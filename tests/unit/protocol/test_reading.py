import pytest

from radstudy.errors import StudyFileError
from radstudy.protocol.load import parse_protocol
from radstudy.protocol.reading import characteristics_readers, items_of, target_columns
from radstudy.protocol.template import template_text

PRESET = "preset: her2-ihc2plus\n"
ONE_MODEL = "model: {select: [{impute: median}], models: {T: [T2WI]}, signature: T}\n"
BARE = """study: x
cohort:
  outcome: {column: y}
  split: {column: set}
  images: "{patient}/{sequence}.nii.gz"
  masks: "{patient}/{sequence}_{reader}.nii.gz"
  readers: [a, b]
  clinical: {age: {}, width_mm: {table: imaging}, margin: {levels: [smooth, rough], table: imaging}}
sequences: [T2WI, DCE3]
model: {select: [{impute: median}], models: {T2WI: [T2WI]}}
"""


def test_every_study_can_be_read_by_the_defaults():
    protocol = parse_protocol(BARE)
    reading = protocol.reading
    assert (reading.folder, reading.image, reading.practice, reading.wash_out_days) == ("reading", "prepared", 2, 28)
    assert (reading.repeats, reading.second, reading.characteristics.arbiter) == (None, None, None)
    assert not reading.tools.grow
    assert not reading.tools.carry
    assert items_of(reading, protocol.cohort) == ("width_mm", "margin")
    assert characteristics_readers(reading, protocol.cohort) == ("a", "b")
    assert target_columns(reading, protocol.cohort) == ()


def test_the_preset_adds_the_reference_studys_rules():
    protocol = parse_protocol(PRESET)
    reading = protocol.reading
    assert reading.second == 35
    assert (reading.repeats.share, reading.repeats.after_days) == (0.10, 28)
    assert reading.characteristics.differs_above == {"max_diameter_cm": 0.5}
    assert target_columns(reading, protocol.cohort) == ("side",)
    assert "shape" in items_of(reading, protocol.cohort)
    assert "ki67" not in items_of(reading, protocol.cohort)


@pytest.mark.parametrize(
    "own",
    [
        "cohort: {clinical: {age: {}}}\n" + ONE_MODEL,
        "cohort: {clinical: {max_diameter_cm: {unit: cm}}}\n" + ONE_MODEL,
        "cohort: {clinical: {max_diameter_cm: {levels: [a, b], table: imaging}}}\n" + ONE_MODEL,
        "reading: {characteristics: {items: [shape]}}\n",
    ],
)
def test_a_study_with_items_of_its_own_is_not_refused_for_the_presets(own):
    assert parse_protocol(PRESET + own).reading.characteristics.differs_above == {}


@pytest.mark.parametrize(
    ("column", "holds"),
    [
        ("fish", "the outcome"),
        ("exclusion", "the reason for exclusion"),
        ("set", "the split"),
        ("ki67", "clinical variable or characteristic 'ki67'"),
        ("margin", "clinical variable or characteristic 'margin'"),
        ("patient_id", "pseudonyms only"),
        ("seen_on", "where the lesion was seen"),
        ("shape_r2", "a reader's assessment of 'shape'"),
    ],
)
def test_a_target_that_would_unblind_is_refused_with_its_line(column, holds):
    text = (
        f"{PRESET}cohort: {{split: {{column: set}}, visible: seen_on}}\n"
        "agree: {kappa: {shape: {columns: [shape_r1, shape_r2]}}}\n"
        f"reading:\n  target:\n    - side\n    - {column}\n"
    )
    with pytest.raises(StudyFileError, match=rf"line 7, reading\.target\.1: .*'{column}', which holds .*{holds}"):
        parse_protocol(text)


def test_a_column_under_another_name_is_refused_by_its_name_in_the_table():
    text = f"{PRESET}cohort: {{clinical: {{receptor: {{column: er_status}}}}}}\nreading: {{target: [er_status]}}\n"
    with pytest.raises(StudyFileError, match=r"line 3.*clinical variable or characteristic 'receptor'"):
        parse_protocol(f"{text}model: {{models: {{T: [T2WI]}}, signature: T}}\n")


def test_a_side_that_is_the_outcome_is_not_shown():
    protocol = parse_protocol(BARE.replace("column: y", "column: side").replace("readers:", "side: side\n  readers:"))
    assert target_columns(protocol.reading, protocol.cohort) == ()


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("characteristics: {items: [margn]}", r"item 'margn' does not exist; did you mean 'margin'\?"),
        ("characteristics: {definitions: {ki67: x}}", "item 'ki67' does not exist"),
        ("characteristics: {differs_above: {margin: 1}}", "'margin' has levels"),
        ("characteristics: {differs_above: {max_diameter_cm: -1}}", "greater than or equal to 0"),
        ("characteristics: {arbiter: reader2}", "'reader2' fills in the form too"),
        ("characteristics: {arbiter: r3, readers: [r1]}", r"between two readers; here are 1 \(r1\)"),
        ("characteristics: {readers: [a, a]}", "each once"),
        ("characteristics: {hidden: [volume]}", "max_diameter_cm"),
        ("windows: {T2WI: [[10, 10]]}", r"the window \[10.0, 10.0\] of T2WI is empty"),
        ("windows: {T2: [[0, 10]]}", r"sequence 'T2' does not exist; did you mean 'T2WI'\?"),
        ("image: corrected", "'prepared' or 'acquired'"),
        ("repeats: {share: 1.5, after_days: 3}", "less than 1"),
        ("repeats: {share: 0.1, after_days: 0}", "greater than or equal to 1"),
        ("second: 0", "greater than or equal to 1"),
        ("practice: -1", "greater than or equal to 0"),
        ("wash_out: 3", r"did you mean 'wash_out_days'\?"),
        ("folder: ''", "at least 1 character"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(written, says):
    with pytest.raises(StudyFileError, match=rf"line 3.*{says}"):
        parse_protocol(f"{PRESET}reading:\n  {written}\n")


def test_phases_beside_the_studys_own_may_have_windows():
    windows = parse_protocol(f"{PRESET}reading: {{windows: {{DCE1: [[0, 5]], DCE: [[0, 6]]}}}}\n").reading.windows
    assert windows["DCE1"] == ((0, 5),)


def test_the_template_shows_the_presets_rules_as_remarks():
    text = template_text()
    assert "# reading:" in text
    uncommented = "\n".join(
        line.removeprefix("# ") for line in text[text.index("# reading:") :].splitlines()
    )  # fmt: skip
    assert parse_protocol(PRESET + uncommented).reading.second == 35
