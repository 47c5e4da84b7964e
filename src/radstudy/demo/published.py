"""The margins of the reference study's Tables 1 and 2 and of its Figure 1, which the synthetic table reproduces.

Only these totals are from the paper (Li X. et al., Front Oncol 2026, doi 10.3389/fonc.2025.1765392). No
individual patient's data were published, and none are here.
"""

from __future__ import annotations

from dataclasses import dataclass

PATIENTS = 107
DOUBLY_READ = 35
CELLS = (("training", "negative"), ("training", "positive"), ("testing", "negative"), ("testing", "positive"))
SIZES = (45, 29, 20, 13)  # patients in each of CELLS; every row of numbers below is in that order

EXCLUDED = {
    "incomplete clinical or pathological data": 5,
    "prior breast surgery": 2,
    "borderline FISH result": 3,
    "artefacts or poor image quality": 11,
    "MRI after neoadjuvant chemotherapy or radiotherapy": 5,
}


@dataclass(frozen=True)
class Continuous:
    """A published mean and standard deviation in each cell, and Student's p in each set.

    Parameters
    ----------
    means, sds : one per cell, as printed (two decimals).
    p_values : training, testing; as printed (three decimals).
    step : rows are whole multiples of this, in the variable's unit.
    low, high : range of the rows.
    skewed : True if large values lie further from the mean than small ones.
    """

    means: tuple[float, float, float, float]
    sds: tuple[float, float, float, float]
    p_values: tuple[float, float]
    step: float
    low: float
    high: float
    skewed: bool


AGE = Continuous((53.27, 50.17, 52.35, 54.08), (9.51, 9.53, 10.38, 9.69), (0.176, 0.635), 1.0, 26.0, 84.0, False)
# Nothing under 1.4 cm: a smaller lesion has fewer native DWI voxels (28 cubic mm each) than extraction accepts.
DIAMETER_CM = Continuous((2.48, 2.67, 2.61, 2.97), (0.74, 1.18, 0.89, 1.24), (0.392, 0.342), 0.1, 1.4, 7.5, True)

# variable -> level -> patients in each cell
COUNTS: dict[str, dict[str, tuple[int, int, int, int]]] = {
    "er": {"negative": (11, 5, 3, 3), "positive": (34, 24, 17, 10)},
    "pr": {"negative": (19, 7, 7, 4), "positive": (26, 22, 13, 9)},
    "ki67": {"low": (19, 5, 12, 3), "high": (26, 24, 8, 10)},
    "grade": {"I": (3, 1, 0, 0), "II": (34, 26, 17, 13), "III": (8, 2, 3, 0)},
    "histological_type": {"non-special": (44, 29, 18, 12), "special": (1, 0, 2, 1)},
    "shape": {"oval/round": (33, 16, 13, 6), "irregular": (12, 13, 7, 7)},
    "margin": {"circumscribed": (22, 7, 12, 5), "not circumscribed": (23, 22, 8, 8)},
    "t2_signal": {"iso/hypointense": (9, 8, 3, 3), "mixed": (16, 7, 9, 3), "hyperintense": (20, 14, 8, 7)},
    "cystic_necrosis": {"no": (14, 11, 9, 6), "yes": (31, 18, 11, 7)},
    "peripheral_oedema": {"no": (21, 22, 7, 9), "yes": (24, 7, 13, 4)},
    "dce3_enhancement": {"homogeneous": (11, 4, 4, 1), "heterogeneous": (24, 13, 14, 6), "rim": (10, 12, 2, 6)},
    "dce7_enhancement": {"homogeneous": (12, 6, 7, 2), "heterogeneous": (11, 14, 7, 4), "rim": (22, 9, 6, 7)},
    "tic_type": {"I (persistent)": (2, 1, 1, 1), "II (plateau)": (25, 21, 12, 10), "III (washout)": (18, 7, 7, 2)},
}
