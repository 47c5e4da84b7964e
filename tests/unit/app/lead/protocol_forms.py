"""Random entries for the forms of a study file, and studies in which every setting has a place."""

import math

from radstudy.app.lead.protocol_edits import FormEdit
from radstudy.app.lead.protocol_settings import FormField
from radstudy.protocol.fields import ITEM, NAME

WORDS = ("a", "no", "x y", "1", "é", "a: b", "'q'", "#h", "10 %", "{patient}/{sequence}.nii.gz", "a, b")
TABLE = """\
study: From a table   # its features were computed elsewhere
cohort:
  table: features.csv
  outcome: {column: y, positive: 1}
  split: {train: 0.7}
  clinical: {age: {unit: year}}
sequences: [T2WI, DWI]
features:
  table: features.csv
  columns: {T2WI: T2_, DWI: {suffix: _dwi}}   # a prefix, or a suffix
model:
  select:
    - impute: median
    - lasso:
  models: {T2WI: [T2WI], DWI: [DWI]}
"""


def entry_for(one: FormField, rng):
    """A random entry of a form's control; the loader may refuse it."""
    form = rng.choice(one.setting.forms)
    if one.control == "switch":
        return not one.value
    if one.control == "choice":
        return rng.choice(one.choices) if one.choices else ""
    if one.control == "pick":
        return rng.sample(list(one.choices), rng.randint(1, len(one.choices)))
    if one.control in ("group", "step"):
        return rng.choice([None, {}]) if one.control == "group" else {rng.choice(one.choices): {}}
    return line_for(form, rng, one)


def line_for(form, rng, one) -> str:
    """A random line of text for a value of a form."""
    if form.kind in ("integer", "number"):
        return number_for(form, rng)
    if form.kind == "switch":
        return rng.choice(["true", "false"])
    if form.kind == "choice":
        return rng.choice(form.choices)
    if form.kind == "list":
        items = [line_for(form.items[0], rng, one) for _ in range(form.length or rng.randint(1, 3))]
        line = ", ".join(quoted(item) if form.items[0].kind == "text" else item for item in dict.fromkeys(items))
        return f"[{line}]" if len(one.setting.forms) > 1 else line
    if form.kind == "names":
        name = rng.choice(one.options or ("T2WI", "DWI", "max_diameter_cm"))
        line = f"{name}: {line_for(form.items[0], rng, one)}"
        return "{" + line + "}" if len(one.setting.forms) > 1 else line
    return rng.choice(WORDS)


def number_for(form, rng) -> str:
    bounds = dict(form.bounds)
    low = bounds.get("ge", bounds.get("gt", 0))
    high = bounds.get("le", bounds.get("lt", low + rng.choice([1, 10, 1000])))
    if form.kind == "integer":
        return str(rng.randint(math.ceil(low), math.floor(min(high, low + 1000))))
    return f"{low + (high - low) * rng.uniform(0.05, 0.95):.3g}"


def quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


# --- a place for every setting -----------------------------------------------------------------------------------


def place_for(setting):
    """A place where a setting can stand in the preset's study, and the edits that make it one.

    Returns
    -------
    The edits, then the place.
    """
    edits, place = [], setting.place
    if place[:2] == ("model", "models"):
        return _in_model(place)
    if place[:2] in (("model", "select"), ("model", "fit")) or place[0] == "prepare":
        return _in_steps(place)
    if place[0] == "features":
        return [], tuple("T2WI" if part == NAME else part for part in place)
    if place[:2] == ("agree", "kappa") and len(place) > 2:
        edits = [FormEdit("insert", ("agree", "kappa", "margin"), {"columns": ["m1", "m2"]})]
        return edits, ("agree", "kappa", "margin", *place[3:])
    for start, begun in STARTS.items():
        if place[: len(start)] == start and len(place) > len(start):
            edits = [FormEdit("set", start, begun)]
    return edits, tuple("age" if part == NAME else part for part in place)


STARTS = {
    ("cohort", "site"): {"scanner": ["manufacturer"]},
    ("cohort", "transfer"): {"from": "DCE3", "to": ["T2WI"]},
    ("extract", "maps"): {"features": ["original_glcm_JointEntropy"]},
    ("evaluate", "primary"): {"model": "combined C", "against": "clinical-imaging"},
}


def _in_model(place):
    model = {"sequences": ["T2WI"]}
    if len(place) > 3 and place[3] == "clinical":
        model = {"clinical": {}}
    if len(place) > 4 and place[3] == "fit":
        model["fit"] = {place[4]: {}}
    keep = FormEdit("set", ("model", "select", 4, "boosted_trees", "keep"), "3")
    source = place[3] if len(place) > 3 else ""
    if source in ("pool", "add"):
        model = {source: ["T2WI", "DWI"]}
    if source == "like":
        model = {"like": "T2WI", "fit": {"svm": {}}}
    return [keep, FormEdit("insert", ("model", "models", "new one"), model)], ("model", "models", "new one", *place[3:])


def _in_steps(place):
    start = place[: place.index(ITEM)] if ITEM in place else place
    if start == place:
        return [], place
    word = place[len(start) + 1]
    first = {"harmonise": 0}.get(word, 1)
    edits = []
    if word == "harmonise":
        edits = [
            FormEdit("set", ("cohort", "site"), "scanner"),
            FormEdit("set", ("model", "signature"), "clinical-imaging"),
        ]
    begun = {"impute": "median", "standardise": "zscore", "reference": {"mask": "{patient}/{sequence}_fat.nii.gz"}}
    if place[-2:] == ("univariate", "above"):
        begun["univariate"] = {"test": "auc"}
    value = word if start == ("model", "fit") else {word: begun.get(word, {})}
    if start == ("model", "fit") and word == "logistic":
        first, value = 0, None
    edits += [FormEdit("insert", (*start, first), value)] if value is not None else []
    if place[-2] == "keep":
        edits.append(FormEdit("set", (*start, first, word, "keep"), "{cv: one-se}"))
    return edits, (*start, first, word, *place[len(start) + 2 :])
