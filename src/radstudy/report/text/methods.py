"""The methods text: one paragraph a step, from the settings that ran."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from radstudy.report.display import listed, plural
from radstudy.report.facts import Facts
from radstudy.report.text.modelling import fit_method, selection_method
from radstudy.report.text.paragraph import Paragraph
from radstudy.report.text.statistics import agreement_method, statistics_method
from radstudy.store import PROVENANCE


def methods(facts: Facts) -> list[Paragraph]:
    """The methods text: one paragraph a step, from the settings that ran and what is known of the run."""
    return [Paragraph(make(facts), lead) for lead, make in _METHODS]


def _ran(facts: Facts, step: str) -> str:
    return (
        ""
        if facts.finished(step)
        else f" (The step '{step}' has not run to its end: this is what the study file asks for.)"
    )


def _cohort_method(facts: Facts) -> str:
    cohort = facts.protocol.cohort
    split = cohort.split
    if split.column is not None:
        made = f"The split into training and testing sets was given by the column '{split.column}' of the cohort table."
    else:
        how = "stratified by outcome" if split.stratify else "not stratified"
        made = (
            f"Patients were split at random, {how}, {100 * (split.train or 0):.0f}% for training and the rest for "
            f"testing (seed {facts.protocol.seed}); lesions of one patient stay together."
        )
    outcome = cohort.outcome
    return (
        f"The outcome was {outcome.label or outcome.column} ({facts.groups[1]} = positive). {made} Patients "
        f"with a reason for exclusion in the cohort table were left out.{_ran(facts, 'cohort')}"
    )


def _prepare_method(facts: Facts) -> str:
    if facts.protocol.features is not None:
        return "The study began at a table of features; no image was read."
    steps = [_prepare_step(step) for step in facts.protocol.prepare]
    if not steps:
        return "Images were used as acquired, without bias-field or intensity correction."
    return f"Every volume went through, in this order: {'; '.join(steps)}.{_ran(facts, 'prepare')}"


def _prepare_step(step: Any) -> str:
    if step.n4 is not None:
        shrink = step.n4.shrink if isinstance(step.n4.shrink, int) else " x ".join(map(str, step.n4.shrink))
        return (
            f"N4 bias-field correction (Otsu foreground mask of 200 bins, shrink factor {shrink}, at most "
            f"{listed([str(n) for n in step.n4.iterations])} iterations on {len(step.n4.iterations)} levels, "
            f"convergence {step.n4.convergence:g}, cubic B-splines on 4 x 4 x 4 control points at the first level, "
            "histogram of 200 bins, FWHM 0.15, Wiener noise 0.01), its field divided out at full resolution"
        )
    if step.rescale is not None:
        source = step.rescale.from_
        window = (
            "the volume's minimum and maximum"
            if source == "minmax"
            else f"{_counted(step.rescale.over)} {source[0]:g}th and {source[1]:g}th percentiles"
        )
        return f"linear rescaling of {window} to {step.rescale.to[0]:g} and {step.rescale.to[1]:g}"
    if step.reference is not None:
        return (
            f"division by the median of the voxels in a mask of the {step.reference.tissue}, drawn on every image, so "
            f"that it became {step.reference.to:g}"
        )
    over = "the whole volume" if step.zscore.over == "volume" else "the foreground (above Otsu's threshold, 200 bins)"
    return f"z-score normalisation over {over}, times {step.zscore.scale:g}"


def _counted(over: str) -> str:
    return "its" if over == "volume" else "its foreground's (above Otsu's threshold, 200 bins)"


def _extract_method(facts: Facts) -> str:
    extract = facts.protocol.extract
    cohort = facts.protocol.cohort
    found = facts.documents.get("extract/summary.json")
    if facts.protocol.features is not None:
        counts = f" ({found['explained']})" if found else ""
        return f"Features were computed elsewhere and given as a table{counts}.{_ran(facts, 'extract')}"
    count = f" ({found['explained']})" if found else ""
    readers = f"masks of {facts.protocol.reader} trained and tested the models"
    if len(cohort.readers) > 1:
        readers += f"; those of {listed(list(cohort.readers[1:]))} served the agreement between readers only"
    readers += _transfer_method(facts)
    if extract.params:
        return (
            f"The {readers}. Features{count} were computed with the settings of the PyRadiomics "
            f"parameter file '{extract.params}'; all of them are listed below.{_maps_method(extract)}"
            f"{_ran(facts, 'extract')}"
        )
    images = ["the original image"] if extract.images.original else []
    if sigmas := extract.images.log_sigma_mm:
        images.append(f"Laplacian-of-Gaussian images (sigma {listed([f'{s:g}' for s in sigmas])} mm)")
    if extract.images.wavelet:
        images.append(f"the eight sub-bands of a stationary wavelet transform ({extract.images.wavelet})")
    spacing = (
        f"resampled to {' x '.join(f'{s:g}' for s in extract.spacing_mm)} mm (image by B-spline, mask by nearest "
        "neighbour)"
        if extract.spacing_mm
        else "not resampled"
    )
    bins = f"bins of width {extract.bin_width:g}" if extract.bin_width is not None else f"{extract.bin_count} bins"
    return (
        f"The {readers}. Lesions were {spacing}, cropped with a margin of "
        f"{plural(extract.margin_voxels, 'voxel')} ({_margin(extract)}) and discretised into "
        f"{bins}. Features{count}, defined and named as in PyRadiomics 3.0.1, were computed on {listed(images)}. "
        f"Lesions of fewer than {extract.minimum_native_voxels} voxels as drawn or {extract.minimum_voxels} after "
        f"resampling were refused.{_maps_method(extract)}{_ran(facts, 'extract')}"
    )


def _maps_method(extract: Any) -> str:
    if extract.maps is None:
        return ""
    features = listed(list(extract.maps.features))
    whose = (
        "every lesion"
        if extract.maps.patients is None
        else f"lesions of {plural(len(extract.maps.patients), 'patient')}"
    )
    return (
        f" For illustration only, {features} were also computed in the neighbourhood of every voxel of {whose}, as in "
        "PyRadiomics' voxel-based mode (feature maps)."
    )


def _margin(extract: Any) -> str:
    if extract.pad_voxels == "exact":
        return "enough for the Laplacian of Gaussian of the whole image"
    return "Laplacian-of-Gaussian values depend on it"


def _transfer_method(facts: Facts) -> str:
    section = facts.protocol.cohort.transfer
    if section is None:
        return ""
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
    answer = (
        "whether or not a reader had confirmed it" if section.accept_unconfirmed else "once a reader had confirmed it"
    )
    return (
        f". Where {facts.protocol.reader} had drawn none on {listed(list(section.to))}, the mask of {section.from_} "
        f"was placed by the scanner's coordinates ({how}){fit} and used {answer}; such masks took no part in the "
        "agreement between readers"
    )


def _agree_method(facts: Facts) -> str:
    icc = facts.protocol.agree.icc
    if icc is None or len(facts.protocol.cohort.readers) < 2:
        why = "the study file asks for none" if icc is None else "there is one reader"
        return f"No feature was filtered by the agreement between readers: {why}."
    forms = {
        "ICC(1,1)": "one-way random effects",
        "ICC(2,1)": "two-way random effects, absolute agreement, single measure",
        "ICC(3,1)": "two-way mixed effects, consistency, single measure",
    }
    who = (
        "all lesions that every reader drew; testing patients' features, never their outcomes, took part"
        if icc.patients == "all"
        else "the training set's lesions that every reader drew"
    )
    bound = "an" if icc.by == "estimate" else "the lower 95% limit of an"
    return (
        f"Features with {bound} intraclass correlation {icc.form} ({forms[icc.form]}) above {icc.above:g} "
        f"were kept, on {who}.{agreement_method(facts)}{_ran(facts, 'agree')}"
    )


def _software_method(facts: Facts) -> str:
    for step in ("evaluate", "model", "extract", "prepare", "cohort"):
        record = facts.documents.get(f"{step}/{PROVENANCE}")
        if record:
            used = record["versions"]
            libraries = [f"{n} {v}" for n, v in used.items() if n not in ("radstudy", "python", "platform")]
            return (
                f"radstudy {used['radstudy']} on Python {used['python']} ({used['platform']}), with "
                f"{listed(libraries)}."
            )
    return "No step has run to its end, so no version is known."


_METHODS: tuple[tuple[str, Callable[[Facts], str]], ...] = (
    ("Patients", _cohort_method),
    ("Image preparation", _prepare_method),
    ("Segmentation and features", _extract_method),
    ("Reproducibility", _agree_method),
    ("Feature selection", lambda facts: selection_method(facts) + _ran(facts, "model")),
    ("Models", lambda facts: fit_method(facts) + _ran(facts, "model")),
    ("Statistics", lambda facts: statistics_method(facts) + _ran(facts, "evaluate")),
    ("Software", _software_method),
)
