"""The methods text of selection and models."""

from __future__ import annotations

from radstudy.protocol.classifiers import Classifier
from radstudy.protocol.selection import Standardise
from radstudy.protocol.words import listed
from radstudy.report.facts import Facts
from radstudy.report.text.evidence import fitted, rows
from radstudy.report.text.sentence import Sentence

FUNNEL, SCREEN = "model/funnel.csv", "model/clinical_screen.csv"


def _steps(facts: Facts) -> list[str]:
    """The steps of the selection that some fitted model has gone through, in words and in their order."""
    ran = {str(step) for step in rows(facts, FUNNEL, "step")["step"]}
    counts: dict[str, int] = {}
    told = []
    for step in facts.protocol.model.select:
        counts[step.word] = place = counts.get(step.word, 0) + 1
        filtered = (step.word if place == 1 else f"{step.word} {place}") in ran
        scaled = isinstance(step, Standardise) and any(found["sequences"] for found in fitted(facts).values())
        if filtered or scaled:  # a z-score lets every feature through: the funnel has no row of it
            told.append(step.told())
    return told


def _built(facts: Facts, how: str) -> list[str]:
    """The fitted models that are built in a way: pool, add."""
    models = facts.protocol.model.models
    return [name for name in fitted(facts) if getattr(models[name], how)]


def _pooled(facts: Facts) -> str:
    named = _built(facts, "pool")
    own = rows(facts, FUNNEL, "step")
    ran = {str(step).partition(" ")[0] for step in own[own["branch"].isin(named)]["step"]}
    again = [step.again for step in facts.protocol.model.select if step.again is not None and step.word in ran]
    reduced = f" and reduced them again by {listed(again)}" if again else ""
    return f"{listed(named)} pooled the features that their single models had selected{reduced}."


def _screened(facts: Facts) -> list[tuple[str, float]]:
    """The clinical models whose variables were screened, with the bound of their p-values."""
    models, names = facts.protocol.model.models, set(rows(facts, SCREEN, "model", "p_value")["model"])
    found = [(name, models[name].clinical) for name in fitted(facts) if name in names]
    return [(name, section.univariate_below) for name, section in found if section is not None]


def _screening(facts: Facts) -> str:
    frame = rows(facts, SCREEN, "p_value", "kept")
    told = []
    for name, below in _screened(facts):
        own = frame[frame["model"] == name]
        passed = int((own["kept"].astype(str) == "True").sum())
        told.append(
            f"{name}: candidates with p < {below:g} in a univariate logistic regression (likelihood-ratio test, "
            f"training set) were to enter a multivariable one; {passed or 'none'} of {len(own)} did."
        )
    return " ".join(told)


SELECTION = (
    Sentence(
        "selection_steps",
        lambda facts: bool(_steps(facts)),
        lambda facts: f"On training rows alone, in this order: {'; '.join(_steps(facts))}.",
    ),
    Sentence("pooled_models", lambda facts: bool(_built(facts, "pool")), _pooled),
    Sentence(
        "added_models",
        lambda facts: bool(_built(facts, "add")),
        lambda facts: f"{listed(_built(facts, 'add'))} put the features of their parts side by side, none dropped.",
    ),
    Sentence("clinical_screening", lambda facts: bool(_screened(facts)), _screening),
)


def _tuned(facts: Facts) -> list[str]:
    """The models with a classifier that the folds tuned: not those that are an intercept."""
    return [name for name, found in fitted(facts).items() if not found.get("empty")]


def _classifiers(facts: Facts) -> str:
    kinds: dict[Classifier, list[str]] = {}
    for name in _tuned(facts):
        fit = facts.protocol.model.fit_of(name)
        kinds.setdefault(fit, []).append(name)
    alone = len(kinds) == 1
    return " ".join(("" if alone else f"{listed(names)}: ") + fit.told() for fit, names in kinds.items())


def _folds(facts: Facts) -> str:
    return (
        "Folds were those of the training set, stratified by outcome, lesions of one patient in one fold (seed "
        f"{facts.protocol.seed}). The folds chose the classifier's setting only: features had been selected on all "
        "training rows before, so this cross-validation estimates no performance."
    )


def _gaps(facts: Facts) -> list[str]:
    """The fitted models that could not use every row."""
    return [name for name, found in fitted(facts).items() if found.get("not_used")]


def _not_fitted(facts: Facts) -> dict[str, str]:
    found = facts.documents.get("model/models.json") or {}
    return {name: str(found[name].get("note", "")) for name in facts.models
            if name in found and not found[name].get("fitted")}  # fmt: skip


def _intercepts(facts: Facts) -> list[str]:
    return [name for name, found in fitted(facts).items() if found.get("empty")]


MODELS = (
    Sentence("classifiers", lambda facts: bool(_tuned(facts)), _classifiers),
    Sentence("folds", lambda facts: bool(_tuned(facts)), _folds),
    Sentence(
        "rows_left_out",
        lambda facts: bool(_gaps(facts)),
        lambda facts: (
            "A row that lacks a sequence or a clinical variable that a model needs was left out of that "
            f"model, never imputed ({listed(_gaps(facts))})."
        ),
    ),
    Sentence(
        "intercept_models",
        lambda facts: bool(_intercepts(facts)),
        lambda facts: f"No feature survived the selection in {listed(_intercepts(facts))}: an intercept only.",
    ),
    Sentence(
        "models_not_fitted",
        lambda facts: bool(_not_fitted(facts)),
        lambda facts: " ".join(f"{name}: {why}." for name, why in _not_fitted(facts).items()),
    ),
)
