"""Steps and classifiers: each states all that the rest of the program has to know of it, wherever that is."""

import re
from importlib import resources
from pathlib import Path
from typing import Annotated, ClassVar

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from radstudy.errors import StudyFileError
from radstudy.imaging.preparation import FITTERS
from radstudy.modelling.build import CLASSIFIER_BUILDERS, STEP_BUILDERS, classifier_of, transformer_of
from radstudy.modelling.models import build
from radstudy.protocol.base import Section
from radstudy.protocol.classifiers import CLASSIFIERS, Logistic
from radstudy.protocol.kinds import OneOf
from radstudy.protocol.load import parse_protocol
from radstudy.protocol.prepare import PREPARATION_STEPS, Reference, preparation_step
from radstudy.protocol.selection import SELECTION_STEPS, Harmonise, Impute, SelectionStep, Variance
from radstudy.report.tables.features import step_name
from radstudy.report.tables.provenance import KINDS
from radstudy.store import content_hash

DOCS = Path(__file__).parents[3] / "docs"
ALL = [*SELECTION_STEPS, *CLASSIFIERS, *PREPARATION_STEPS]
NEEDED = {Reference: {"mask": "x"}}
CALLED = {"score": "scheme", "with_": "model"}  # a setting to the estimator's parameter, where they differ
STUDY = """
study: test
cohort:
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}/{sequence}.nii.gz"
  masks: "{patient}/{sequence}_{reader}.nii.gz"
  readers: [a, b]
sequences: [T2, DWI]
"""
MODELS = "  models: {T2: [T2], DWI: [DWI], both: {pool: [T2, DWI]}}\n"


def default(kind):
    return kind.model_validate(NEEDED.get(kind, kind.bare))


def parse(select="[]", fit="logistic", prepare="[]", models=MODELS):
    return parse_protocol(f"{STUDY}prepare: {prepare}\nmodel:\n  select: {select}\n  fit: {fit}\n{models}")


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
class TestEveryKind:
    def test_is_told_in_a_sentence(self, kind):
        told = default(kind).told()
        assert len(told.split()) > 4
        assert not re.search(r"None|True|False|[{}<>]{2}| {2}|\n", told)

    def test_every_setting_has_a_reason(self, kind):
        reasons = kind.reasons()
        assert list(reasons) == list(kind.model_fields)
        assert all(len(why) > 10 and why.endswith(".") for why in reasons.values())

    def test_its_idle_settings_are_settings(self, kind):
        assert default(kind).idle() <= set(kind.model_fields)


@pytest.mark.parametrize("kind", SELECTION_STEPS, ids=lambda kind: kind.word)
def test_the_word_of_a_selection_step_may_stand_alone(kind):
    if kind is Harmonise:  # it needs the column of the sites
        with pytest.raises(StudyFileError, match=r"cohort\.site"):
            parse(select="[{harmonise: }]")
        return
    assert parse(select=f"[{{{kind.word}: }}]").model.select == (default(kind),)


@pytest.mark.parametrize("kind", CLASSIFIERS, ids=lambda kind: kind.word)
@pytest.mark.parametrize("form", ["{}", "[{}]", "{{{}: }}", "[{{{}: {{}}}}]"])
def test_the_word_of_a_classifier_may_stand_alone(kind, form):
    assert parse(fit=form.format(kind.word)).model.fit == (default(kind),)


@pytest.mark.parametrize("kind", [kind for kind in PREPARATION_STEPS if kind not in NEEDED], ids=lambda kind: kind.word)
def test_the_word_of_a_preparation_step_may_stand_alone(kind):
    assert parse(prepare=f"[{{{kind.word}: }}]").prepare == (preparation_step({kind.word: {}}),) == (default(kind),)


def test_each_has_a_builder_and_a_place_in_the_table_of_choices():
    assert set(STEP_BUILDERS) == set(SELECTION_STEPS)
    assert set(CLASSIFIER_BUILDERS) == set(CLASSIFIERS)
    assert set(FITTERS) == set(PREPARATION_STEPS)
    assert list(KINDS.values()) == [PREPARATION_STEPS, SELECTION_STEPS, CLASSIFIERS]


@pytest.mark.parametrize("kind", [*SELECTION_STEPS, *CLASSIFIERS], ids=lambda kind: kind.__name__)
def test_every_setting_reaches_the_estimator(kind):
    section = default(kind)
    made = classifier_of(section, 7) if kind in CLASSIFIERS else transformer_of(section, "T2", 7)
    parameters = made.get_params()
    only_one_value = {name for name, field in kind.model_fields.items() if str(field.annotation).count("'") == 2}
    for name in set(kind.model_fields) - only_one_value:
        assert parameters[CALLED.get(name, name)] == getattr(section, name), name
    assert parameters.get("random_state", 7) == 7


def words_of_table(page, heading):
    text = (DOCS / page).read_text("utf-8")
    section = text.partition(f"## {heading}")[2].partition("\n#")[0] if heading else text
    return list(dict.fromkeys(re.findall(r"^\| `(\w+)", section, re.M)))


@pytest.mark.parametrize(
    ("page", "heading", "kinds"),
    [
        ("models.md", "Steps of `model.select`", SELECTION_STEPS),
        ("models.md", "Classifiers: `model.fit`", CLASSIFIERS),
        ("preparation.md", "", PREPARATION_STEPS),
    ],
)
def test_the_docs_tables_have_exactly_these_words(page, heading, kinds):
    assert sorted(words_of_table(page, heading)) == sorted(kind.word for kind in kinds)


def test_the_docs_say_which_steps_a_pooled_model_makes_again():
    text = (DOCS / "models.md").read_text("utf-8").partition("repeats the last steps")[2].partition("\n#")[0]
    assert re.findall(r"`(\w+)`", text) == [kind.word for kind in SELECTION_STEPS if kind.again is not None]


def test_the_study_template_names_every_word():
    text = (resources.files("radstudy") / "presets" / "study_template.yaml").read_text("utf-8")
    assert not [kind.word for kind in (*SELECTION_STEPS, *CLASSIFIERS) if not re.search(rf"\b{kind.word}\b", text)]


def test_tables_call_each_step_by_its_heading():
    assert [step_name(kind.word) for kind in SELECTION_STEPS] == [kind.heading for kind in SELECTION_STEPS]
    assert step_name("univariate 2") == "Univariate test (2)"
    assert step_name("screen") == "Univariate regression"


# --- what is written -----------------------------------------------------------------------------------------------

FULL = (
    "[{impute: median}, {standardise: zscore}, {variance: }, {collinear: {above: 0.7}}, "
    "{univariate: {test: auc, above: 0.6}}, {univariate: }, "
    "{boosted_trees: {keep: {T2: {cv: best}, DWI: 4, both: {most: events/15}}}}, {lasso: }, "
    "{elastic_net: {mix: 0.3, most: events/5}}, {mrmr: {keep: {cv: one-se, folds: 3}}}, {boruta: }, "
    "{recursive: {with: linear-svm, drop: 0.1}}]",
    "[logistic, elastic_net, svm, {random_forest: {trees: 20}}, gradient_boosting, knn]",
    '[{n4: {shrink: [1, 2, 3]}}, {rescale: {from: [1, 99], over: foreground}}, {zscore: }, '
    '{reference: {mask: "x/{patient}_{sequence}.nii"}}]',
    "  models: {T2: [T2], DWI: {sequences: [DWI], fit: {svm: {kernel: linear}}}, both: {pool: [T2, DWI]}, "
    "other: {like: T2, fit: knn}}\n",
)  # fmt: skip


def test_a_study_has_the_key_that_it_always_had():
    """Of a study with every kind, as it was before steps were classes: finished runs must stay finished."""
    protocol = parse(*FULL)
    whole = protocol.model_dump(mode="json", by_alias=True)
    assert content_hash(whole["model"]) == "04bdfaf637e35d0801278edc04c7747e"
    assert content_hash(whole["prepare"]) == "0b233d4874b2519c53a4753f333fdcde"
    assert content_hash(protocol.model.model_dump(mode="json")) == "3a8c850552bd3d6f76b3e5bd30e2872b"


def test_a_new_word_changes_no_study_that_does_not_use_it():
    before = TypeAdapter(Annotated[SelectionStep, OneOf("a step", SELECTION_STEPS, noted_when_absent=("lasso",))])
    after = TypeAdapter(
        Annotated[SelectionStep, OneOf("a step", (*SELECTION_STEPS, Toy), noted_when_absent=("lasso",))]
    )
    step = {"variance": {"ratio": 3.0, "unique": 0.1}}
    written = [adapter.dump_python(adapter.validate_python(step), mode="json") for adapter in (before, after)]
    assert written == [{"lasso": None, **step}] * 2


@pytest.mark.parametrize("exclude", [{"exclude_unset": True}, {"exclude_defaults": True}])
def test_what_is_written_is_read_again(exclude):
    steps = parse(*FULL).prepare
    adapter = TypeAdapter(list[Annotated[SelectionStep, OneOf("a step", SELECTION_STEPS)]])
    select = list(parse(*FULL).model.select)
    assert adapter.validate_python(adapter.dump_python(select, mode="json", by_alias=True, **exclude)) == select
    again = parse(*FULL).model_dump(mode="json", by_alias=True, exclude_none=True)["prepare"]
    assert tuple(preparation_step(step) for step in again) == steps


# --- what is forgotten is found out before any study is read ---------------------------------------------------------


class Toy(SelectionStep, Section):
    """Keep the first feature by name; a step that radstudy does not have."""

    word = "toy"
    heading = "Toy"
    again = "the toy"
    gaps = "refused"

    first: int = Field(1, json_schema_extra={"why": "How many of the first, by name."})

    def told(self):
        return f"the first {self.first} features by name stayed"


@pytest.mark.parametrize("fact", ["word", "heading", "again", "gaps", "told"])
def test_a_kind_that_forgets_a_fact_is_refused(fact):
    facts = {
        name: value for name, value in Toy.__dict__.items() if name in ("word", "heading", "again", "gaps", "told")
    }
    facts.pop(fact)
    kind = type("Half", (SelectionStep, Section), {**facts, "__module__": __name__})
    with pytest.raises(TypeError, match=f"Half does not define: {fact}"):
        OneOf("a step", (*SELECTION_STEPS, kind))


def test_two_kinds_of_one_word_are_refused():
    class Other(Variance):
        """Keeps its parent's word."""

    with pytest.raises(TypeError, match="two kinds have the same word"):
        OneOf("a step", (*SELECTION_STEPS, Other))


def test_a_setting_without_a_reason_is_refused():
    class Silent(Toy):
        """Has one more setting."""

        word: ClassVar[str] = "silent"
        second: int = 2

    with pytest.raises(TypeError, match="the setting 'second' of Silent"):
        Silent.reasons()


def test_a_new_step_is_in_the_pooled_model_and_in_the_text(monkeypatch):
    """A class and a builder are all: no list says elsewhere which steps a pooled model makes again."""
    monkeypatch.setattr(
        "radstudy.modelling.build.STEP_BUILDERS",
        {**STEP_BUILDERS, Toy: lambda step, keep, seed: STEP_BUILDERS[Variance](Variance(), keep, seed)},
    )
    protocol = parse()
    model = protocol.model.model_copy(update={"select": (Impute(), Toy(first=3))})
    pipeline = build(protocol.model_copy(update={"model": model}), "both")
    assert [name for name, _ in pipeline.steps] == ["features", "toy", "classifier"]
    assert Toy(first=3).told() == "the first 3 features by name stayed"


def test_errors_lie_below_the_word_as_in_the_file():
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(tuple[Annotated[SelectionStep, OneOf("a step", SELECTION_STEPS)], ...]).validate_python(
            [{"impute": "mean"}, {"variance": {"ratio": 0}}]
        )
    assert [error["loc"] for error in caught.value.errors()] == [(0, "impute"), (1, "variance", "ratio")]


def test_the_default_classifier_is_a_setting_like_any_other():
    assert parse(fit="logistic").model.fit == (Logistic(),)
