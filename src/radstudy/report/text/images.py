"""The methods text of the images: their preparation, whose masks, and how a lesion became its features."""

from __future__ import annotations

from typing import Any

from radstudy.protocol.words import listed
from radstudy.report.display import plural
from radstudy.report.facts import SUMMARY, Facts
from radstudy.report.text.evidence import agreement_tested, fitted, rows, shows
from radstudy.report.text.extraction import extraction
from radstudy.report.text.sentence import Sentence

VOLUMES = "prepare/volumes.csv"
TRANSFERRED, MAPS = "extract/transferred.csv", "extract/maps/maps.csv"
# --- preparation -------------------------------------------------------------------------------------------------


def _done(facts: Facts) -> list[str]:
    """The steps of `prepare` that the volumes' histories tell of, in words; how many volumes, where not all."""
    histories = rows(facts, VOLUMES, "history")["history"].astype(str)
    told = []
    for step in facts.protocol.prepare:
        count = int(histories.str.contains(step.trace(), regex=False).sum())
        if count:
            told.append(step.told() + (f" ({count} of {len(histories)} volumes)" if count < len(histories) else ""))
    return told


IMAGES = (
    Sentence(
        "no_images",
        lambda facts: facts.protocol.features is not None and facts.finished("extract"),
        lambda _: "The study began at a table of features; no image was read.",
    ),
    Sentence(
        "as_acquired",
        lambda facts: shows(facts, VOLUMES, "history") and not _done(facts),
        lambda _: "Images were used as acquired, without bias-field or intensity correction.",
    ),
    Sentence(
        "prepared",
        lambda facts: bool(_done(facts)),
        lambda facts: f"Every volume that could be read went through, in this order: {'; '.join(_done(facts))}.",
    ),
)


# --- masks and features ------------------------------------------------------------------------------------------


def _extracted(facts: Facts) -> bool:
    return facts.protocol.features is None and SUMMARY in facts.documents


def _explained(facts: Facts) -> str:
    return f" ({facts.document(SUMMARY)['explained']})"


def _first_reader(facts: Facts) -> str:
    return f"The masks of {facts.protocol.reader} trained and tested the models."


def _other_readers(facts: Facts) -> str:
    return (
        f"Those of {listed(list(facts.protocol.cohort.readers[1:]))} took no part in training or testing; they served "
        "the agreement between readers."
    )


def _used(facts: Facts) -> Any:
    frame = rows(facts, TRANSFERRED, "status")
    return frame[frame["status"].isin(["confirmed", "not confirmed, accepted"])] if len(frame) else frame


def _transfer(facts: Facts) -> str:
    section, used = facts.protocol.cohort.transfer, _used(facts)
    assert section is not None
    fit = (
        ", after a rigid fit of the lesion's surroundings by Mattes' mutual information (all voxels of an isotropic "
        "grid within 30 mm of the lesion, three resolutions)"
        if section.rigid
        else ""
    )
    how = (
        "nearest neighbour"
        if section.partial_volume is None
        else f"linear interpolation cut at {section.partial_volume:g}"
    )
    waiting = int((used["status"] != "confirmed").sum())
    answer = f"{waiting} of them had not been confirmed by a reader" if waiting else "a reader had confirmed each"
    return (
        f"{plural(len(used), 'mask')} of {section.from_} {'was' if len(used) == 1 else 'were'} placed on "
        f"{listed(list(dict.fromkeys(used['sequence'])))}, where {facts.protocol.reader} had drawn none, by the "
        f"scanner's coordinates ({how}){fit}; {answer}. Such masks took no part in the agreement between readers."
    )


def _maps(facts: Facts) -> str:
    made = rows(facts, MAPS, "feature")
    made = made[made["problem"] == ""]
    return (
        f"For illustration only, {listed(list(dict.fromkeys(made['feature'])))} were also computed in the "
        f"neighbourhood of every voxel of the lesions of {plural(made['patient'].nunique(), 'patient')}, as in "
        "PyRadiomics' voxel-based mode (feature maps)."
    )


def _mapped(facts: Facts) -> bool:
    frame = rows(facts, MAPS, "feature")
    return bool(len(frame) and (frame["problem"] == "").any())


FEATURES = (
    Sentence(
        "features_given",
        lambda facts: facts.protocol.features is not None and SUMMARY in facts.documents,
        lambda facts: f"Features were computed elsewhere and given as a table{_explained(facts)}.",
    ),
    Sentence(
        "first_reader",
        lambda facts: _extracted(facts) and any(found["sequences"] for found in fitted(facts).values()),
        _first_reader,
    ),
    Sentence("other_readers", lambda facts: _extracted(facts) and agreement_tested(facts), _other_readers),
    Sentence("transferred_masks", lambda facts: _extracted(facts) and bool(len(_used(facts))), _transfer),
    Sentence("extraction", _extracted, extraction),
    Sentence("feature_maps", _mapped, _maps),
)
