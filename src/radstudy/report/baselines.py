"""The baselines below the models of Table 3, as tables and figures tell of them."""

from __future__ import annotations

import pandas as pd

from radstudy.report.facts import Facts

BASELINES = "evaluate/baselines/table3.csv"


def baselines(facts: Facts) -> pd.DataFrame:
    """The rows of the baselines, as those of Table 3; none where the study file has switched them off."""
    frame = facts.frames.get(BASELINES)
    return frame if frame is not None and facts.protocol.evaluate.baselines is not None else pd.DataFrame()


def baseline_note(frame: pd.DataFrame) -> str:
    """What the baselines are."""
    kinds = set(frame["kind"])
    parts = {
        "volume": "the logarithm of the lesion's volume on one sequence, alone in a logistic regression",
        "age": "the patient's age, likewise",
        "shuffled": "the same selection and models on lesions whose voxels were put in random order within the mask: "
        "outline and histogram stay, texture is gone",
    }
    said = "; ".join(text for kind, text in parts.items() if kind in kinds)
    more = "" if "shuffled" in kinds else " Shuffled images (evaluate.baselines.shuffled) were not asked for."
    return (
        f"Baselines: {said}. They are fitted on the training rows (anew for each permutation of the outcome, under "
        "Chance) and take part in no test of the models. A model that is no better than its volume has not shown that "
        f"texture matters.{more}"
    )
