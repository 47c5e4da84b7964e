"""The baselines below the models of Table 3, as tables and figures describe them."""

from __future__ import annotations

import pandas as pd

from radstudy.report.facts import RunFacts

BASELINES = "evaluate/baselines/table3.csv"


def baselines(facts: RunFacts) -> pd.DataFrame:
    """The rows of the baselines, like those of Table 3; none if the study file has switched them off."""
    frame = facts.frames.get(BASELINES)
    return frame if frame is not None and facts.protocol.evaluate.baselines is not None else pd.DataFrame()


def baseline_note(frame: pd.DataFrame) -> str:
    """The note that explains the baselines."""
    kinds = set(frame["kind"])
    parts = {
        "volume": "the logarithm of the lesion's volume on one sequence, alone in a logistic regression",
        "age": "the patient's age, in the same way",
        "shuffled": "the same selection and models on lesions whose voxels were put in random order within the mask: "
        "outline and histogram are kept, texture is lost",
    }
    kinds_in_words = "; ".join(text for kind, text in parts.items() if kind in kinds)
    more = "" if "shuffled" in kinds else " Shuffled images (evaluate.baselines.shuffled) were not requested."
    return (
        f"Baselines: {kinds_in_words}. They are fitted on the training rows (and refitted for each permutation of the "
        "outcome, under Chance) and are not included in any test of the models. A model that is no better than its "
        f"volume has not shown that texture matters.{more}"
    )
