"""List of the signs that the leak detector could look for in a study, to qualify a result without findings."""

from __future__ import annotations

from radstudy.modelling.leaks.alignment import possible_alignments
from radstudy.modelling.leaks.duplicates import FEWEST_FEATURES
from radstudy.modelling.leaks.finding import Inspected, listed
from radstudy.modelling.leaks.volume import BELOW

VOLUME_SIGN = "a model that only follows the lesion's volume"  # how the sign begins


def looked_for(seen: Inspected) -> list[str]:
    """Return all signs that can be looked for with the known facts of the study, as printed after "no sign of".

    Parameters
    ----------
    seen : the study, as for `find_leaks`.
    """
    tables = {name: seen.table_of(name) for name in seen.sequences}
    counts = {name: frame.shape[1] for name, frame in tables.items() if len(frame)}
    names = set(seen.rows.index.get_level_values("patient"))
    patients, compared = len(names), len(names & set(seen.compared))
    columns = len(seen.candidates) + sum(counts.values())
    looked = [
        f"scaling before the split ({_words(counts)})" if counts else "",
        "a selection of the given features on all patients" if seen.given and counts else "",
        f"one name and birth date under two PatientIDs ({compared} of {patients} patients could be compared)"
        if compared > 1
        else "",
        f"one image file under two patients ({seen.images:,} files)" if seen.images else "",
        "the same or nearly the same features under two patients"
        if any(count >= FEWEST_FEATURES for count in counts.values())
        else "",
        f"identifiers that differ only by punctuation, case, leading zeros or side ({patients} patients)",
        f"a column that contains the outcome ({columns:,} columns)" if columns else "",
    ]
    if aligned := possible_alignments(seen.with_outcome()):
        looked.append(f"an outcome that follows {listed(aligned)}")
    if seen.scores and seen.volumes:
        looked.append(
            f"{VOLUME_SIGN} where the volume itself predicts the outcome (p < {BELOW:g}; volumes on "
            f"{listed(list(seen.volumes))})"
        )
    return [text for text in looked if text]


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} features of {name}" for name, count in counts.items())
