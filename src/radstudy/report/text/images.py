"""The methods text on the images: their preparation, the masks and the features."""

from __future__ import annotations

from typing import Any

from radstudy.protocol.prepare.step import PreparationStep
from radstudy.protocol.words import listed
from radstudy.report.cited import quoted
from radstudy.report.display import plural
from radstudy.report.facts import SUMMARY, RunFacts
from radstudy.report.text.evidence import agreement_tested, fitted, rows, shows
from radstudy.report.text.extraction import extraction
from radstudy.report.text.sentence import Sentence

VOLUMES = "prepare/volumes.csv"
TRANSFERRED, MAPS = "extract/transferred.csv", "extract/maps/maps.csv"
# --- preparation -------------------------------------------------------------------------------------------------


def prepared_by(facts: RunFacts) -> list[tuple[PreparationStep, str]]:
    """The steps of `prepare` in the volumes' histories, each with the number of its volumes in words; "" if all."""
    histories = rows(facts, VOLUMES, "history")["history"].astype(str)
    steps = []
    for step in facts.protocol.prepare:
        count = int(histories.str.contains(step.trace(), regex=False).sum())
        if count:
            steps.append((step, f"{count} of {len(histories)} volumes" if count < len(histories) else ""))
    return steps


def _done(facts: RunFacts) -> list[str]:
    """The steps that `prepare` did, in words; with the number of volumes if not all."""
    return [step.told() + (f" ({volumes})" if volumes else "") for step, volumes in prepared_by(facts)]


IMAGES = (
    Sentence(
        "no_images",
        lambda facts: facts.protocol.features is not None and facts.finished("extract"),
        lambda _: "The study started from a table of features; no image was read.",
    ),
    Sentence(
        "as_acquired",
        lambda facts: shows(facts, VOLUMES, "history") and not _done(facts),
        lambda _: "Images were used as acquired, without bias-field or intensity correction.",
    ),
    Sentence(
        "prepared",
        lambda facts: bool(_done(facts)),
        lambda facts: f"Every readable volume underwent, in this order: {'; '.join(_done(facts))}.",
    ),
)


# --- masks and features ------------------------------------------------------------------------------------------


def _extracted(facts: RunFacts) -> bool:
    return facts.protocol.features is None and SUMMARY in facts.documents


def _explained(facts: RunFacts) -> str:
    return f" ({quoted(facts.document(SUMMARY)['explained'])})"


def _who(facts: RunFacts) -> str:
    return "the reader" if len(facts.protocol.cohort.readers) < 2 else facts.protocol.reader


def _first_reader(facts: RunFacts) -> str:
    if len(facts.protocol.cohort.readers) < 2:
        return "One reader drew the lesions; the models were trained and tested on these masks."
    return f"The models were trained and tested on the masks of {facts.protocol.reader}."


def _other_readers(facts: RunFacts) -> str:
    return (
        f"Those of {listed(list(facts.protocol.cohort.readers[1:]))} were not used for training or testing; they "
        "served to assess the agreement between readers."
    )


def transferred(facts: RunFacts) -> Any:
    """The transferred masks that were used."""
    frame = rows(facts, TRANSFERRED, "status")
    return frame[frame["status"].isin(["confirmed", "not confirmed, accepted"])] if len(frame) else frame


def _transfer(facts: RunFacts) -> str:
    section, used = facts.protocol.cohort.transfer, transferred(facts)
    assert section is not None
    fit = (
        ", after a rigid registration of the lesion's surroundings by Mattes' mutual information (all voxels of an "
        "isotropic grid within 30 mm of the lesion, three resolutions)"
        if section.rigid
        else ""
    )
    how = (
        "nearest neighbour"
        if section.partial_volume is None
        else f"linear interpolation, threshold {section.partial_volume:g}"
    )
    waiting = int((used["status"] != "confirmed").sum())
    answer = (
        f"{waiting} of them had not been confirmed by a reader" if waiting else "a reader had confirmed each of them"
    )
    return (
        f"{plural(len(used), 'mask')} of {section.from_} {'was' if len(used) == 1 else 'were'} transferred to "
        f"{listed(list(dict.fromkeys(used['sequence'])))}, on which {_who(facts)} had drawn none, by the "
        f"scanner's coordinates ({how}){fit}; {answer}. Such masks were not used to assess the agreement between "
        "readers."
    )


def _maps(facts: RunFacts) -> str:
    mapped = rows(facts, MAPS, "feature")
    mapped = mapped[mapped["problem"] == ""]
    names = list(dict.fromkeys(mapped["feature"]))
    return (
        f"For illustration only, {listed(names)} {'was' if len(names) == 1 else 'were'} also computed in the "
        f"neighbourhood of every voxel of the lesions of {plural(mapped['patient'].nunique(), 'patient')}, as in "
        "PyRadiomics' voxel-based mode (feature maps)."
    )


def _mapped(facts: RunFacts) -> bool:
    frame = rows(facts, MAPS, "feature")
    return bool(len(frame) and (frame["problem"] == "").any())


FEATURES = (
    Sentence(
        "features_given",
        lambda facts: facts.protocol.features is not None and SUMMARY in facts.documents,
        lambda facts: f"Features were computed elsewhere and supplied as a table{_explained(facts)}.",
    ),
    Sentence(
        "first_reader",
        lambda facts: _extracted(facts) and any(model["sequences"] for model in fitted(facts).values()),
        _first_reader,
    ),
    Sentence("other_readers", lambda facts: _extracted(facts) and agreement_tested(facts), _other_readers),
    Sentence("transferred_masks", lambda facts: _extracted(facts) and bool(len(transferred(facts))), _transfer),
    Sentence("extraction", _extracted, extraction),
    Sentence("feature_maps", _mapped, _maps),
)
