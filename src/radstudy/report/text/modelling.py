"""The methods text of selection and models."""

from __future__ import annotations

from typing import Any

from radstudy.protocol.sections import BoostedTrees, Fit, FoundSize, Lasso, Mrmr, Recursive
from radstudy.report.display import listed
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
        counts[step.name] = place = counts.get(step.name, 0) + 1
        filtered = (step.name if place == 1 else f"{step.name} {place}") in ran
        scaled = step.name == "standardise" and any(found["sequences"] for found in fitted(facts).values())
        if filtered or scaled:  # a z-score lets every feature through: the funnel has no row of it
            told.append(_select_step(step))
    return told


def _built(facts: Facts, how: str) -> list[str]:
    """The fitted models that are built in a way: pool, add."""
    models = facts.protocol.model.models
    return [name for name in fitted(facts) if getattr(models[name], how)]


def _pooled(facts: Facts) -> str:
    named = _built(facts, "pool")
    own = rows(facts, FUNNEL, "step")
    ran = {str(step).partition(" ")[0] for step in own[own["branch"].isin(named)]["step"]}
    again = [_SHORT[step.name] for step in facts.protocol.model.select if step.reduces and step.name in ran]
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


_SHORT = {
    "boosted_trees": "the trees",
    "lasso": "the LASSO",
    "elastic_net": "the elastic net",
    "mrmr": "minimum redundancy and maximum relevance",
    "boruta": "Boruta",
    "recursive": "recursive elimination",
}
_ADJUSTED = {
    "none": "not adjusted for their number",
    "holm": "adjusted for their number by Holm's method",
    "benjamini-hochberg": "adjusted for their number by Benjamini and Hochberg's method",
}


def _select_step(step: Any) -> str:
    if step.impute:
        return "features not defined for a lesion took the training median"
    if step.standardise:
        return "z-score with the training mean and standard deviation"
    if step.variance:
        return (
            "features that hardly vary were dropped (constant, or the most common value more than "
            f"{step.variance.ratio:g} times as frequent as the second with at most {100 * step.variance.unique:g}% of "
            "the values different)"
        )
    if step.collinear:
        return (
            f"of any two features with an absolute Pearson correlation above {step.collinear.above:g} the one with the "
            "higher training |AUC - 0.5| stayed (greedy, ties by name)"
        )
    if step.univariate:
        return _univariate(step.univariate)
    if step.boosted_trees:
        return _trees(step.boosted_trees)
    if penalised := step.lasso or step.elastic_net:
        return _penalised(penalised, getattr(step.elastic_net, "mix", 1.0))
    if step.mrmr:
        return _mrmr(step.mrmr)
    if step.boruta:
        undecided = "kept" if step.boruta.tentative == "keep" else "dropped"
        return (
            f"Boruta kept the features more important than shuffled copies of all (random forest of depth "
            f"{step.boruta.depth}, at most {step.boruta.rounds} rounds, percentile {step.boruta.percentile:g}, level "
            f"{step.boruta.alpha:g}; undecided ones {undecided})"
        )
    return _recursive(step.recursive)


def _univariate(section: Any) -> str:
    if section.test == "auc":
        return f"features with an AUC, or one minus it, above {section.above:g} stayed"
    test = {"mann-whitney": "Mann-Whitney U test", "student": "Student's t-test"}[section.test]
    return f"features with p < {section.below:g} in a {test} stayed ({_ADJUSTED[section.adjust]})"


def _trees(trees: BoostedTrees) -> str:
    return (
        f"the most important features of gradient-boosted decision trees stayed, at most {_size(trees.keep)} (impurity "
        f"importance; {trees.trees} trees of depth {trees.depth}, learning rate {trees.learning_rate:g}, subsample "
        f"{trees.subsample:g})"
    )


def _penalised(section: Lasso, mix: float) -> str:
    what = "an L1-penalised (LASSO)" if mix == 1 else f"an elastic-net (share of L1 {mix:g})"
    return (
        f"features with a coefficient other than 0 in {what} logistic regression stayed (of "
        f"{section.strengths} penalties the one with {_rule(section.rule)} in {section.folds}-fold "
        f"cross-validation{_cap(section.most)})"
    )


def _mrmr(section: Mrmr) -> str:
    score = "quotient (FCQ)" if section.score == "quotient" else "difference (FCD)"
    return (
        f"features were taken one by one for minimum redundancy and maximum relevance, {score} of F statistic and mean "
        f"absolute correlation with those taken before, at most {_size(section.keep)}"
    )


def _recursive(section: Recursive) -> str:
    model = "logistic regression" if section.with_ == "logistic" else "linear support vector machine"
    number = f"{section.drop} a round" if section.drop >= 1 else f"{100 * section.drop:g}% a round"
    return f"recursive elimination by a {model}'s coefficients ({number}) left at most {_size(section.keep)}"


def _size(size: Any) -> str:
    if isinstance(size, dict):
        return listed([f"{_size(count)} ({name})" for name, count in size.items()])
    if not isinstance(size, FoundSize):
        return str(size)
    return f"as many as had {_rule(size.cv, 'the fewest')} in {size.folds}-fold cross-validation{_cap(size.most)}"


def _rule(rule: str, simplest: str = "the strongest") -> str:
    if rule == "best":
        return "the lowest log-loss"
    return f"a log-loss within one standard error of the lowest ({simplest} such)"


def _cap(most: int | str | None) -> str:
    if most is None:
        return ""
    if isinstance(most, str):
        return f", at most one feature per {most.partition('/')[2]} patients of the smaller class"
    return f", at most {most}"


def _tuned(facts: Facts) -> list[str]:
    """The models with a classifier that the folds tuned: not those that are an intercept."""
    return [name for name, found in fitted(facts).items() if not found.get("empty")]


def _classifiers(facts: Facts) -> str:
    kinds: dict[str, tuple[Fit, list[str]]] = {}
    for name in _tuned(facts):
        fit = facts.protocol.model.fit_of(name)
        kinds.setdefault(str(fit.model_dump()), (fit, []))[1].append(name)
    alone = len(kinds) == 1
    return " ".join(("" if alone else f"{listed(names)}: ") + _classifier(fit) for fit, names in kinds.values())


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


def _classifier(fit: Fit) -> str:
    if fit.logistic:
        return (
            f"Logistic regression with a ridge (L2) penalty; its strength was the one of {fit.logistic.strengths} (C "
            f"from 1e-4 to 1e4, log-spaced) with the lowest log-loss in {fit.logistic.folds}-fold cross-validation."
        )
    if fit.elastic_net:
        net = fit.elastic_net
        return (
            f"Logistic regression with an elastic-net penalty; its share of L1 (of {_of(net.mixes)}) and its strength "
            f"(of {net.strengths}) had {_rule(net.rule)} in {net.folds}-fold cross-validation."
        )
    how = "had the lowest Brier score in {folds}-fold cross-validation."
    if fit.svm:
        balanced = ", classes weighted equally" if fit.svm.weights == "balanced" else ""
        return (
            f"A support vector machine ({fit.svm.kernel} kernel, z-scores{balanced}) with probabilities by Platt's "
            f"sigmoid on out-of-fold values; its C (of {_of(fit.svm.strengths)}) {how.format(folds=fit.svm.folds)}"
        )
    if fit.random_forest:
        forest = fit.random_forest
        balanced = ", classes weighted equally" if forest.weights == "balanced" else ""
        return (
            f"A random forest of {forest.trees} trees{balanced}; the size of its smallest leaf (of "
            f"{_of(forest.smallest_leaf)}) {how.format(folds=forest.folds)}"
        )
    if fit.gradient_boosting:
        boosting = fit.gradient_boosting
        return (
            f"Gradient-boosted decision trees (learning rate {boosting.learning_rate:g}); their depth (of "
            f"{_of(boosting.depth)}) and number (of {_of(boosting.trees)}) {how.format(folds=boosting.folds)}"
        )
    if fit.knn:
        return (
            f"The share of positives among the nearest training rows (z-scores); their number (of "
            f"{_of(fit.knn.neighbours)}) {how.format(folds=fit.knn.folds)}"
        )
    raise AssertionError(fit)


def _of(values: tuple[float, ...]) -> str:
    return listed([f"{value:g}" for value in values])
