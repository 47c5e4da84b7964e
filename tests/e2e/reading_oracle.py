"""What a run must say of a reading, computed from the scripts' own record by other programs: numpy, scikit-learn,
pingouin.
"""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pandas as pd
import pingouin
from sklearn.metrics import cohen_kappa_score

NONE = "not assessable"


def dice(a, b):
    return 2 * np.sum(a & b) / (np.sum(a) + np.sum(b))


def icc21(first, second):
    """ICC(2,1) of two lists of numbers, by pingouin."""
    count = len(first)
    frame = pd.DataFrame({"target": [*range(count)] * 2, "rater": ["a"] * count + ["b"] * count,
                          "rating": [*first, *second]})  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pingouin's own, of pandas' coming versions
        table = pingouin.intraclass_corr(frame, targets="target", raters="rater", ratings="rating").set_index("Type")
    name = "ICC2" if "ICC2" in table.index else "ICC(A,1)"
    return float(table.loc[name, "ICC"])


def excluded(record, reader, patients):
    """Patient to the sequences that the first reader could not evaluate."""
    gone = {}
    for patient in patients:
        names = [
            key[2] for key, said in record.judged.items() if key[:2] == (reader, patient) and not said["evaluable"]
        ]
        if names:
            gone[patient] = names
    return gone


def dice_table(record, readers, patients, unseen):
    """(patient, sequence) to the Dice coefficient of two readers' masks, of kept patients and seen lesions."""
    a, b = readers
    return {
        (patient, sequence): dice(mask, record.masks[b, patient, sequence])
        for (reader, patient, sequence), mask in record.masks.items()
        if reader == a and patient in patients and (patient, sequence) not in unseen
        and (b, patient, sequence) in record.masks
    }  # fmt: skip


def agreement_of_items(record, readers, patients, levels):
    """Item to (statistic, n), of first locked answers that are observations for both readers."""
    result = {}
    for item, words in levels.items():
        both = [tuple(record.first[reader, patient][item] for reader in readers) for patient in patients]
        both = [pair for pair in both if NONE not in pair]
        first, second = zip(*both, strict=True)
        value = icc21(first, second) if words is None else cohen_kappa_score(first, second, labels=list(words))
        result[item] = (value, len(both))
    return result


def finals(record, readers, patients, levels, above):
    """(patient, item) to the final value, from the answers as last closed and the arbiter's decisions."""
    values = {}
    for patient, (item, words) in itertools.product(patients, levels.items()):
        if item == "likelihood":
            continue
        a, b = (record.final[reader, patient][item] for reader in readers)
        numeric = words is None and NONE not in (a, b)
        differ = round(abs(a - b), 6) > above[item] if numeric else a != b
        if differ:
            values[patient, item] = record.arbitrated.get(patient, {}).get(item)
        else:
            values[patient, item] = (a + b) / 2 if numeric else a
    return values
