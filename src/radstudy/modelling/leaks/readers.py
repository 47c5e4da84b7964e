"""Check for copied masks of two readers: every ICC is then 1, and no feature has been shown to be reproducible."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from radstudy.modelling.leaks.finding import Inspected, LeakFinding, listed

CHECK = "readers"
SAME, NEARLY = 1 - 1e-9, 0.99  # Dice
_REMEDY = (
    "check where the masks come from: was one copied from the other, or was one reader shown the other's? Report the "
    "agreement as that of two readers only if each has drawn independently"
)


def find_copied_masks(seen: Inspected) -> Iterator[LeakFinding]:
    """Find pairs of readers whose masks are the same, or nearly, in most of the lesions that both have drawn.

    Two people who draw a lesion by hand reach a Dice coefficient of 0.7 to 0.95.

    Parameters
    ----------
    seen : the study, of which `overlap` is used.
    """
    if seen.overlap is None or not len(seen.overlap):
        return
    for (one, other), pair in seen.overlap.groupby(["reader_a", "reader_b"], sort=False):
        same, near = pair[pair["dice"] >= SAME], pair[pair["dice"] >= NEARLY]
        most = 2 * len(same) > len(pair)
        if len(same):
            evidence = f"Dice 1 in {len(same)} of {len(pair)} lesions and sequences"
            what = f"{one} and {other} have the same masks{' in most lesions' if most else ''}"
            severe = most and not seen.copies_accepted
            yield LeakFinding("error" if severe else "warning", CHECK, what, evidence, _places(same), _REMEDY)
        elif 2 * len(near) > len(pair):
            evidence = f"Dice of {NEARLY:g} or more in {len(near)} of {len(pair)} lesions and sequences"
            what = f"{one} and {other} have nearly the same masks in most lesions"
            yield LeakFinding("warning", CHECK, what, evidence,
                          _places(near), _REMEDY)  # fmt: skip


def _places(rows: pd.DataFrame) -> str:
    """List patients and sequences."""
    return listed([f"{row.patient} {row.sequence}" for row in rows.itertuples()])
