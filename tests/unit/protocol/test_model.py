"""The section `model`: what may be written, how it is expanded, and what each mistake is answered with."""

import pytest

from radstudy.errors import StudyFileError
from radstudy.modelling.build import classifier_of, transformer_of
from radstudy.modelling.classifiers.linear import CrossValidatedLogistic
from radstudy.modelling.classifiers.tuned import TunedSvm
from radstudy.modelling.models import refers_to, sequences_of
from radstudy.modelling.selection.ranking import FoundSize
from radstudy.protocol.load import parse_protocol

STUDY = """
study: test
cohort:
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}/{sequence}.nii.gz"
  masks: "{patient}/{sequence}_{reader}.nii.gz"
  readers: [a, b]
  clinical: {age: {}}
sequences: [T2, DWI]
"""
MODELS = "  models: {T2: [T2], DWI: [DWI], both: {pool: [T2, DWI]}}\n"


def parse(select="[{impute: median}]", fit="", models=MODELS, more=""):
    return parse_protocol(f"{STUDY}model:\n  select: {select}\n{fit}{models}{more}")


def test_a_silent_study_is_ridge_logistic_regression():
    protocol = parse()
    assert [protocol.model.fit_of(name).word for name in protocol.model.models] == ["logistic"] * 3
    assert isinstance(classifier_of(protocol.model.fit_of("T2"), 3), CrossValidatedLogistic)
    assert protocol.signature_model == "both"


@pytest.mark.parametrize("fit", ["fit: svm", "fit: {svm: {kernel: rbf}}", "fit: [svm]", "fit: [{svm: }]"])
def test_a_classifier_is_one_line(fit):
    protocol = parse(fit=f"  {fit}\n")
    assert {protocol.model.fit_of(name).word for name in protocol.model.models} == {"svm"}
    assert isinstance(classifier_of(protocol.model.fit_of("T2"), 3), TunedSvm)
    assert protocol.signature_model is None


@pytest.mark.parametrize("fit", ["fit: [logistic, svm, knn]", "fit: {logistic: {}, svm: {}, knn: {}}"])
def test_several_classifiers_are_every_model_once_each(fit):
    protocol = parse(fit=f"  {fit}\n")
    assert list(protocol.model.models) == [
        "T2", "T2 (svm)", "T2 (knn)", "DWI", "DWI (svm)", "DWI (knn)", "both", "both (svm)", "both (knn)",
    ]  # fmt: skip
    assert protocol.model.source_of("both (knn)") == "both"
    assert sequences_of(protocol, "both (svm)") == ("T2", "DWI")
    assert refers_to(protocol, "both (svm)") == {"both (svm)", "T2", "DWI"}
    assert protocol.signature_model == "both"


def test_a_model_may_have_a_classifier_of_its_own():
    protocol = parse(models="  models: {T2: [T2], other: {like: T2, fit: knn}, own: {sequences: [DWI], fit: svm}}\n")
    assert [protocol.model.fit_of(name).word for name in protocol.model.models] == ["logistic", "knn", "svm"]
    assert protocol.signature_model == "T2"


def test_the_file_s_classifier_replaces_the_preset_s():
    protocol = parse_protocol("preset: her2-ihc2plus\nmodel: {fit: knn, signature: null}\n")
    assert {protocol.model.fit_of(name).word for name in protocol.model.models} == {"knn"}


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        ("4", 4),
        ("{cv: one-se}", FoundSize("one-se", 5, "events/10")),
        ("{cv: best, folds: 3, most: 7}", FoundSize("best", 3, 7)),
        ("{T2: 3, DWI: {most: events/15}, both: 2}", 3),
    ],
)
@pytest.mark.parametrize("step", ["boosted_trees", "mrmr", "recursive"])
def test_sizes_are_numbers_or_found(step, keep, expected):
    protocol = parse(select=f"[{{{step}: {{keep: {keep}}}}}]")
    assert transformer_of(protocol.model.select[0], "T2", 0).keep == expected


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"select": "[{lasso: {rule: 1se}}]"}, "one-se"),
        ({"select": "[{mrmr: {keep: 0}}]"}, "greater than or equal to 1"),
        ({"select": "[{mrmr: {keep: {cv: one-se, most: 10/events}}}]"}, "events/"),
        ({"select": "[{mrmr: {keep: {cv: one-se, mots: 4}}}]"}, "did you mean 'most'"),
        ({"select": "[{recursive: {keep: {T2: 3}}}]"}, "recursive.keep has no number for model 'DWI'"),
        ({"select": "[{univariate: {test: auc, below: 0.01}}]"}, "'below' has no effect with test: auc"),
        ({"select": "[{borutta: }]"}, "did you mean 'boruta'"),
        ({"fit": "  fit: smv\n"}, "did you mean 'svm'"),
        ({"fit": "  fit: [svm, svm]\n"}, "named twice"),
        ({"fit": "  fit: []\n"}, "at least 1"),
        ({"fit": "  fit: {knn: {neighbours: []}}\n"}, "at least 1"),
        ({"models": "  models: {T2: [T2], x: {like: T2}}\n"}, "needs its own 'fit'"),
        ({"models": "  models: {T2: [T2], x: {like: T3, fit: svm}}\n"}, "'T3' does not exist; did you mean 'T2'"),
        ({"models": "  models: {x: {like: y, fit: svm}, y: {like: x, fit: svm}}\n"}, "in a circle"),
        ({"models": "  models: {a: {clinical: {}}, b: {like: a, fit: svm}, c: {pool: [b]}}\n"}, "use 'add'"),
        ({"fit": "  fit: svm\n", "more": "  signature: both\n"}, "only a formula"),
        ({"fit": "  fit: [logistic, svm]\n", "more": "  signature: both (svm)\n"}, "only a formula"),
        ({"more": "  signature: all\n"}, "does not exist"),
    ],
)  # fmt: skip
def test_mistakes_are_named(given, says):
    with pytest.raises(StudyFileError) as caught:
        parse(**given)
    assert says in str(caught.value)
    assert caught.value.exit_code == 3


def test_without_images_a_study_needs_a_feature_table():
    for name in ("images", "masks", "readers"):
        text = "\n".join(line for line in STUDY.splitlines() if f"  {name}:" not in line)
        with pytest.raises(StudyFileError, match=f"cohort.{name} is missing"):
            parse_protocol(text + "\nmodel:\n  select: []\n" + MODELS)


@pytest.mark.parametrize(
    ("features", "says"),
    [
        ("{}", "give either 'table', or 'tables'"),
        ("{table: f.csv}", "name the columns of each"),
        ("{table: f.csv, columns: {T2: T2_}}", "no columns and no file for 'DWI'"),
        ("{table: f.csv, columns: {T2: T2_, DIW: D_}}", "did you mean 'DWI'"),
        ("{table: f.csv, columns: {T2: {pattern: '('}, DWI: D_}}", "not a regular expression"),
        ("{table: f.csv, columns: {T2: {pattern: 'T2_.*'}, DWI: D_}}", "needs one group"),
        ("{tables: {T2: a.csv}}", "no columns and no file for 'DWI'"),
        ("{table: f.csv, sequence: s, columns: {T2: T2_, DWI: D_}}", "give one"),
        ("{table: f.csv, sequence: s}", "features.reader must name their column"),
    ],
)
def test_mistakes_of_a_feature_table_s_layout_are_named(features, says):
    with pytest.raises(StudyFileError) as caught:
        parse(more=f"features: {features}\n")
    assert says in str(caught.value)
