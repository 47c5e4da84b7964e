"""The methods text on feature selection and the models."""

from __future__ import annotations

from radstudy.protocol.classifiers import Classifier
from radstudy.protocol.selection import Standardise
from radstudy.protocol.words import listed
from radstudy.report.cited import counted, tally
from radstudy.report.facts import RunFacts
from radstudy.report.imbalance import imbalance_handling, imbalance_known
from radstudy.report.text.evidence import fitted, rows, shows
from radstudy.report.text.sentence import Sentence

FUNNEL, SCREEN = "model/funnel.csv", "model/clinical_screen.csv"
BESIDE = "evaluate/harmonisation/with_and_without.csv"


def _steps(facts: RunFacts) -> list[str]:
    """The steps of the selection that some fitted model went through, in words and in order."""
    ran = {str(step) for step in rows(facts, FUNNEL, "step")["step"]}
    counts: dict[str, int] = {}
    told = []
    for step in facts.protocol.model.select:
        counts[step.word] = place = counts.get(step.word, 0) + 1
        filtered = (step.word if place == 1 else f"{step.word} {place}") in ran
        scaled = isinstance(step, Standardise) and any(model["sequences"] for model in fitted(facts).values())
        if filtered or scaled:  # a z-score lets every feature through: the funnel has no row of it
            told.append(step.told())
    return told


def _harmonised(facts: RunFacts) -> str:
    names = rows(facts, BESIDE, "model")["model"].astype(str).tolist()
    return (
        f"ComBat was fitted on the training rows of {listed(names)}; every other row was adjusted by these frozen "
        "parameters of its site, and each refit of a model fitted ComBat again on its own training rows. A "
        "harmonised value depends on the site, so these models have no signature."
    )


def _built(facts: RunFacts, how: str) -> list[str]:
    """The fitted models that are built by "pool" or by "add"."""
    models = facts.protocol.model.models
    return [name for name in fitted(facts) if getattr(models[name], how)]


def _pooled(facts: RunFacts) -> str:
    named = _built(facts, "pool")
    own = rows(facts, FUNNEL, "step")
    ran = {str(step).partition(" ")[0] for step in own[own["branch"].isin(named)]["step"]}
    again = [step.again for step in facts.protocol.model.select if step.again is not None and step.word in ran]
    reduced = f" and reduced them again by {listed(again)}" if again else ""
    return f"{listed(named)} pooled the features that their component models had selected{reduced}."


def _screened(facts: RunFacts) -> list[tuple[str, float]]:
    """The clinical models whose variables were screened, with the bound of their p-values."""
    models, names = facts.protocol.model.models, set(rows(facts, SCREEN, "model", "p_value")["model"])
    screened = [(name, models[name].clinical) for name in fitted(facts) if name in names]
    return [(name, section.univariate_below) for name, section in screened if section is not None]


def _screening(facts: RunFacts) -> str:
    frame = rows(facts, SCREEN, "p_value", "kept")
    told = []
    for name, below in _screened(facts):
        own = frame[frame["model"] == name]
        passed = tally(frame, model=name, kept=True)
        told.append(
            f"{name}: candidates with p < {below:g} in a univariate logistic regression (likelihood-ratio test, "
            f"training set) were to enter a multivariable one; {f'{passed}' if passed else 'none'} of the "
            f"{counted(own, 'variable')} candidates did."
        )
    return " ".join(told)


SELECTION = (
    Sentence(
        "selection_steps",
        lambda facts: bool(_steps(facts)),
        lambda facts: f"The following steps used training rows only, in this order: {'; '.join(_steps(facts))}.",
    ),
    Sentence("harmonised_by_training", lambda facts: shows(facts, BESIDE, "model"), _harmonised),
    Sentence("pooled_models", lambda facts: bool(_built(facts, "pool")), _pooled),
    Sentence(
        "added_models",
        lambda facts: bool(_built(facts, "add")),
        lambda facts: f"{listed(_built(facts, 'add'))} kept all features of the component models together.",
    ),
    Sentence("clinical_screening", lambda facts: bool(_screened(facts)), _screening),
)


def _tuned(facts: RunFacts) -> list[str]:
    """The models whose classifier was tuned in the folds: all but those that are an intercept only."""
    return [name for name, model in fitted(facts).items() if not model.get("empty")]


def _classifiers(facts: RunFacts) -> str:
    kinds: dict[Classifier, list[str]] = {}
    for name in _tuned(facts):
        fit = facts.protocol.model.fit_of(name)
        kinds.setdefault(fit, []).append(name)
    alone = len(kinds) == 1
    return " ".join(("" if alone else f"{listed(names)}: ") + fit.told() for fit, names in kinds.items())


def _folds(facts: RunFacts) -> str:
    return (
        "Cross-validation folds were drawn within the training set, stratified by outcome, with all lesions of a "
        f"patient in one fold (seed {facts.protocol.seed}). The folds served only to choose the classifier's setting: "
        "features had already been selected on all training rows, so this cross-validation does not estimate "
        "performance."
    )


def _gaps(facts: RunFacts) -> list[str]:
    """The fitted models that could not use every row."""
    return [name for name, model in fitted(facts).items() if model.get("not_used")]


def _not_fitted(facts: RunFacts) -> dict[str, str]:
    records = facts.documents.get("model/models.json") or {}
    return {name: str(records[name].get("note", "")) for name in facts.models
            if name in records and not records[name].get("fitted")}  # fmt: skip


def _intercepts(facts: RunFacts) -> list[str]:
    return [name for name, model in fitted(facts).items() if model.get("empty")]


MODELS = (
    Sentence("classifiers", lambda facts: bool(_tuned(facts)), _classifiers),
    Sentence("folds", lambda facts: bool(_tuned(facts)), _folds),
    Sentence("class_imbalance", imbalance_known, imbalance_handling),
    Sentence(
        "rows_left_out",
        lambda facts: bool(_gaps(facts)),
        lambda facts: (
            "Rows lacking a sequence or a clinical variable that a model needs were left out of that model, never "
            f"imputed ({listed(_gaps(facts))})."
        ),
    ),
    Sentence(
        "intercept_models",
        lambda facts: bool(_intercepts(facts)),
        lambda facts: (
            f"No feature survived the selection in {listed(_intercepts(facts))}, which left an intercept only."
        ),
    ),
    Sentence(
        "models_not_fitted",
        lambda facts: bool(_not_fitted(facts)),
        lambda facts: " ".join(f"{name}: {why}." for name, why in _not_fitted(facts).items()),
    ),
)
