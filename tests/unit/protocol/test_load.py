import pytest

from radstudy.errors import RadstudyError, StudyFileError, UsageError
from radstudy.protocol import load_protocol
from radstudy.protocol.load import parse_protocol
from radstudy.protocol.template import table_columns, write_template

PRESET = "preset: her2-ihc2plus\n"


def test_the_preset_is_the_papers_protocol():
    protocol = parse_protocol(PRESET)
    assert list(protocol.model.models) == [
        "clinical-imaging", "T2WI", "DWI", "DCE3", "DCE7", "mpMRI A", "mpMRI B", "mpMRI C",
        "combined A", "combined B", "combined C",
    ]  # fmt: skip
    assert protocol.sequences == ("T2WI", "DWI", "DCE3", "DCE7")
    assert protocol.extract.spacing_mm == (1, 1, 1)
    assert protocol.agree.icc is not None
    assert protocol.agree.icc.above == 0.75
    assert len(protocol.cohort.clinical) == 15


def test_what_the_file_says_wins_over_the_preset_and_the_rest_stays():
    protocol = parse_protocol(PRESET + "extract: {bin_width: 10}\nseed: 7\n")
    assert protocol.extract.bin_width == 10
    assert protocol.extract.images.wavelet == "coif1"
    assert protocol.seed == 7


def test_models_and_variables_of_the_file_replace_those_of_the_preset():
    text = (
        PRESET
        + "cohort: {clinical: {age: {}}}\nmodel:\n  select: [{impute: median}]\n  models: {T: [T2WI]}\n  signature: T\n"
    )
    protocol = parse_protocol(text)
    assert list(protocol.model.models) == ["T"]
    assert list(protocol.cohort.clinical) == ["age"]


def test_words_stay_words():
    text = PRESET + "cohort: {clinical: {oedema: {levels: [no, yes]}, grade: {levels: [1, 2]}}}\n"
    clinical = parse_protocol(text).cohort.clinical
    assert clinical["oedema"].levels == ("no", "yes")
    assert clinical["grade"].levels == ("1", "2")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("cohort: {}\nprepare:\n  - n4: {shrnk: 4}\n", 4, "did you mean 'shrink'?"),
        ("extract: {bin_widht: 25}\n", 2, "did you mean 'bin_width'?"),
        ("extrct: {}\n", 2, "did you mean 'extract'?"),
        ("agree:\n  icc: {form: ICC(4;1)}\n", 3, "ICC(2,1)"),
        ("cohort:\n  split: {train: 1.7}\n", 3, "less than 1"),
        ("cohort:\n  split: {train: 0.7, column: set}\n", 3, "either 'train'"),
        ("prepare:\n  - n4: {}\n    rescale: {}\n", 3, "exactly one of"),
        ("sequences: [A, A]\n", 2, "each once"),
        ("sequences: T2WI, DWI\n", 2, "write it in brackets"),
        ("extract: {spacing_mm: 1}\n", 2, "write it in brackets"),
        ("cohort:\n  images: images/{}/{sequence}.nii\n", 3, "'{}', not a plain name"),
        ("cohort:\n  images: images/{patient:03d}/{sequence}.nii\n", 3, "'{patient:03d}', not a plain name"),
        ("cohort:\n  masks: masks/{patient.id}_{reader}.nii\n", 3, "'{patient.id}', not a plain name"),
        ("cohort:\n  masks: masks/{patient/{sequence}.nii\n", 3, "cannot be read"),
        ("prepare:\n  - reference: {mask: 'm/{patient', tissue: fat, to: 1}\n", 3, "cannot be read"),
        ("extract: {bin_count: 32}\n", 2, "give 'bin_width' or 'bin_count'"),
    ],
)
def test_mistakes_name_their_line_and_the_remedy(text, line, says):
    with pytest.raises(StudyFileError) as caught:
        parse_protocol(PRESET + text, "study.yaml")
    assert f"study.yaml, line {line}," in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("models", "says"),
    [
        ("{X: [T2]}", "'T2' does not exist; did you mean 'T2WI'?"),
        ("{X: {pool: [Y]}}", "'Y' does not exist"),
        ("{X: {pool: [Z]}, Z: {pool: [X]}}", "in a circle"),
        ("{X: {pool: [C]}, C: {clinical: {}}}", "use 'add'"),
        ("{X: {pool: [Y], add: [Y]}, Y: [T2WI]}", "exactly one of"),
        ("{C: {clinical: {variables: [agee]}}}", "did you mean 'age'?"),
        ("{}", "no model is defined"),
    ],
)
def test_models_must_refer_to_what_exists(models, says):
    text = f"{PRESET}model:\n  select: [{{boosted_trees: {{keep: 3}}}}]\n  signature: null\n  models: {models}\n"
    with pytest.raises(StudyFileError, match=r"study\.yaml") as caught:
        parse_protocol(text)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("primary", "says"),
    [
        ("{model: combined D, against: clinical-imaging}", "did you mean 'combined "),
        ("{model: combined C, against: clinical}", "evaluate.primary.against 'clinical' does not exist"),
        ("{model: DWI, against: DWI}", "compares 'DWI' with itself"),
        ("{model: DWI}", "evaluate.primary.against"),
    ],
)
def test_a_primary_comparison_is_of_two_models_that_exist(primary, says):
    with pytest.raises(StudyFileError, match=r"evaluate\.primary") as caught:
        parse_protocol(f"{PRESET}evaluate: {{primary: {primary}}}\n")
    assert says in str(caught.value)


def test_no_preset_declares_a_primary_model():
    """A preset is never changed; what a study leads with is the study's own to declare."""
    assert parse_protocol(PRESET).evaluate.primary is None


def test_a_subset_size_is_needed_for_every_selecting_model():
    with pytest.raises(StudyFileError, match="has no number for model 'mine'"):
        parse_protocol(PRESET + "model: {models: {mine: [T2WI]}, signature: mine}\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("preset: her2\n", "did you mean 'her2-ihc2plus'?"),
        ("a: [", "not YAML"),
        ("hello", "must contain settings"),
        ("seed: 1\nseed: 2\n", "not YAML"),
        ("sequences: [A]\n", "this setting is missing"),
    ],
)
def test_files_that_are_no_study(text, says):
    with pytest.raises(StudyFileError, match=r"study\.yaml") as caught:
        parse_protocol(text)
    assert says in str(caught.value)


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(StudyFileError, match="radstudy init"):
        load_protocol(tmp_path / "nothing.yaml")


def test_the_template_is_a_valid_study_and_its_table_has_every_column(tmp_path):
    study, table = write_template(tmp_path)
    protocol = load_protocol(study)
    assert table.read_text(encoding="utf-8").strip().split(",") == table_columns(protocol)


def test_the_template_overwrites_nothing_and_goes_on_where_it_was_ended(tmp_path):
    study, table = write_template(tmp_path)
    with pytest.raises(UsageError, match=r"study\.yaml already exists"):
        write_template(tmp_path)
    study.unlink()
    assert write_template(tmp_path)[0].is_file()
    study.unlink()
    table.write_text("mine\n")
    with pytest.raises(UsageError, match=r"cohort\.csv already exists"):
        write_template(tmp_path)
    assert not study.exists()
    write_template(tmp_path, keep_table=True)
    assert study.is_file() and table.read_text() == "mine\n"


def test_a_tab_in_the_file_is_called_one():
    with pytest.raises(StudyFileError, match=r"study\.yaml, line 3: this is not YAML.*spaces, not with tabs"):
        parse_protocol(PRESET + "cohort:\n\ttable: c.csv\n", "study.yaml")


PATTERNS = """
study: patterns
cohort:
  patient: id
  outcome: {column: y}
  split: {column: set}
  images: "IMAGES"
  masks: "MASKS"
  readers: READERS
sequences: [T2, DWI]
model: {select: [{boosted_trees: {keep: 2}}], models: {T2: [T2]}}
"""


def patterned(images="{patient}/{sequence}.nii", masks="{patient}/{sequence}_{reader}.nii", readers="[a, b]"):
    return parse_protocol(PATTERNS.replace("IMAGES", images).replace("MASKS", masks).replace("READERS", readers))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"masks": "{patient}/{sequence}.nii"}, "gives a and b the same mask files"),
        ({"masks": "{patient}/{mask}"}, "Write {reader} where the file names differ"),
        ({"readers": '{A: "1", B: "1"}'}, "gives A and B the same mask files"),
        ({"images": "{patient}.nii"}, "so T2, DWI would all be the same image"),
        ({"images": "{file}"}, "has no {sequence}"),
        ({"images": "images/{sequence}.nii"}, "all patients would have the same file"),
        ({"masks": "masks/{sequence}_{reader}.nii"}, "all patients would have the same file"),
    ],
)
def test_patterns_that_give_one_file_to_two_are_refused(given, says):
    with pytest.raises(StudyFileError, match=r"study\.yaml, line \d+, cohort\.(images|masks): ") as caught:
        patterned(**given)
    assert says in str(caught.value)


def test_patterns_that_share_rightly_are_taken():
    assert patterned(masks="{patient}_{reader}.nii").sequences == ("T2", "DWI")  # phases and maps of one grid
    assert patterned(masks="{patient}.nii", readers="[a]").reader == "a"
    assert patterned(images="{folder}/{sequence}.nii", masks="{folder}/{sequence}_{reader}.nii").reader == "a"


def test_readers_may_be_a_mapping_to_a_text_or_a_pattern():
    cohort = patterned(readers='{Dr Li: "", Dr Wu: -2, Dr Ma: "ma/{patient}_{sequence}.nii"}').cohort
    assert cohort.readers == ("Dr Li", "Dr Wu", "Dr Ma")
    pattern = "{patient}/{sequence}_{reader}.nii"
    assert [cohort.masks_of(name) for name in cohort.readers] == [
        (pattern, ""), (pattern, "-2"), ("ma/{patient}_{sequence}.nii", "Dr Ma")]  # fmt: skip
    with pytest.raises(StudyFileError, match=r"line 9, cohort\.readers\.Dr Li: .*not a plain name"):
        patterned(readers='{Dr Li: "{patient:x}"}')


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sequences: [T2WI, ADC, DCE3, DCE7]\n", ["model 'DWI': sequence 'DWI' does not exist",
                                                  "from the preset 'her2-ihc2plus', not from your file",
                                                  "{T2WI: [T2WI], ADC: [ADC], DCE3: [DCE3], DCE7: [DCE7]}"]),
        ("model: {models: {T2WI: [T2WI]}}\n", ["model.signature 'combined C' does not exist", "from the preset"]),
        ("model: {models: {mine: [T2WI]}, signature: mine}\n", ["no number for model 'mine'", "from the preset",
                                                                "model: {select: ["]),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_preset_and_not_in_the_file_is_said_to_be(text, says):
    with pytest.raises(StudyFileError) as caught:
        parse_protocol(PRESET + text)
    assert "did you mean 'T2WI'" not in str(caught.value)
    for part in says:
        assert part in str(caught.value)


def test_what_is_wrong_in_the_file_is_not_blamed_on_the_preset():
    with pytest.raises(StudyFileError) as caught:
        parse_protocol(PRESET + "model: {models: {T2: [T2]}, signature: null}\n")
    assert "did you mean 'T2WI'?" in str(caught.value) and "preset" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("model: {select: [impute]}\n", "write a selection step such as 'impute: median'"),
        ("extract: 3\n", "the names are spacing_mm, bin_width"),
        ("cohort: {clinical: [age]}\n", "this takes names with their values"),
        ("cohort: {outcome: fish}\n", "the names are column, positive, negative"),
        ("prepare: [n4]\n", "the names are n4, rescale"),
        ("seed: abc\n", "this should be a valid integer"),
    ],
)
def test_no_name_of_a_class_is_shown(text, says):
    with pytest.raises(StudyFileError) as caught:
        parse_protocol(PRESET + text)
    assert says in str(caught.value)
    assert "instance of" not in str(caught.value) and "Input should" not in str(caught.value)


def test_a_folder_as_the_study_file_names_the_file_in_it(tmp_path):
    with pytest.raises(StudyFileError, match=r"is a folder, not a file\. To do: .*radstudy init"):
        load_protocol(tmp_path)
    (tmp_path / "mine.yaml").write_text("study: x\n", encoding="utf-8")
    with pytest.raises(StudyFileError, match=r"is a folder, not a file\. To do: give the file in it: .*mine\.yaml"):
        load_protocol(tmp_path)


def test_another_outcome_is_not_called_by_the_presets_name():
    def outcome_of(text):
        return parse_protocol(f"study: s\nseed: 1\npreset: her2-ihc2plus\ncohort: {{outcome: {text}}}").cohort.outcome

    own = outcome_of("{column: recurrence, positive: 'yes', negative: 'no'}")
    assert (own.column, own.label, own.labels) == ("recurrence", None, None)
    named = outcome_of("{column: recurrence, positive: 'yes', negative: 'no', label: Recurrence}")
    assert named.label == "Recurrence"
    assert outcome_of("{column: fish}").labels == ("FISH-negative", "FISH-positive")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("z: &z [*z]\n", 2, "this part contains itself"),
        ("? {a: 1}\n: 2\n", 2, "a setting's name is one word"),
        ("cohort:\n  ? [a]\n  : {column: y}\n", 3, "a setting's name is one word"),
        ("prepare:\n  - n4: {shrink: !!python/object/apply:os.system ['id']}\n", 3, "the tag"),
        ("extract: {features: !!set {a}}\n", 2, "the tag"),
        ('study: "a\\u0007b"\n', 2, "cannot be printed"),
        ("seed: 2001-99-99\n", None, "this is not YAML"),
        (f"seed: {'9' * 5000}\n", None, "this is not YAML"),
        (f"z: {'[' * 3000}{']' * 3000}\n", None, "levels deep"),
        ("prepare:\n  - n4: &x {shrnk: 3}\n  - n4:\n      <<: *x\n", 4, "did you mean 'shrink'?"),
        ("extract: {bin_width: .inf}\n", 2, "finite number"),
        ("extract: {bin_width: 1.0e-320}\n", 2, "outside the computable range"),
        ("prepare:\n  - rescale: {to: [0, 1.0e+308]}\n", 3, "outside the computable range"),
    ],
)
def test_yaml_that_no_study_holds_is_refused_with_its_line(text, line, says):
    with pytest.raises(StudyFileError) as error:
        parse_protocol(PRESET + text, "mine.yaml")
    assert says in str(error.value)
    assert (f"mine.yaml, line {line}" if line else "mine.yaml") in str(error.value)


def test_repetitions_are_counted_before_they_are_written_out(monkeypatch):
    bomb = "a: &a [1, 1, 1]\n" + "".join(
        f"{name}: &{name} [*{before}, *{before}, *{before}]\n"
        for before, name in zip("abcdefghijkl", "bcdefghijklm", strict=True)
    )
    with pytest.raises(StudyFileError, match=r"at most 100,000 are read.*RADSTUDY_MAX_YAML_VALUES"):
        parse_protocol(PRESET + bomb)
    monkeypatch.setenv("RADSTUDY_MAX_YAML_VALUES", "many")
    with pytest.raises(RadstudyError, match=r"RADSTUDY_MAX_YAML_VALUES is 'many'. To do: give a positive number"):
        parse_protocol(PRESET)


def test_a_long_file_is_refused_until_the_bound_is_raised(tmp_path, monkeypatch):
    (tmp_path / "long.yaml").write_text(PRESET + "# a remark\n" * 30_000)
    with pytest.raises(StudyFileError, match=r"at most 0.25 MB are read.*RADSTUDY_MAX_YAML_MB"):
        load_protocol(tmp_path / "long.yaml")
    monkeypatch.setenv("RADSTUDY_MAX_YAML_MB", "1")
    assert load_protocol(tmp_path / "long.yaml").sequences == ("T2WI", "DWI", "DCE3", "DCE7")
