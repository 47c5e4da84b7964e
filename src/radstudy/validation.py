"""A signature validated on an external cohort, one step per line: `study.py` for patients that no model has seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radstudy.artefacts import require_known_schema, write_schema
from radstudy.artefacts.validate import RESULT
from radstudy.bugs import LOG, hiding, logged_in
from radstudy.cohort.identifiers import identifiers_of
from radstudy.errors import UsageError
from radstudy.parallel import cores
from radstudy.signature.document import read_signature
from radstudy.signature.external import read_external_study
from radstudy.steps.cohort import do_cohort
from radstudy.steps.external_results import Validated, lost_in
from radstudy.steps.extract import do_extract, while_in_memory
from radstudy.steps.prepare import do_prepare
from radstudy.steps.report import do_validation_report
from radstudy.steps.run import Run
from radstudy.steps.validate import do_validate
from radstudy.working import only_run


@dataclass(frozen=True)
class Validation:
    """A finished validation.

    Parameters
    ----------
    out : its folder: ``report.html``, ``validation.json``, and the steps' folders.
    result : content of ``validation.json``.
    lost : cases that could not be used; the report lists them.
    """

    out: Path
    result: dict[str, Any]
    lost: int

    @property
    def report(self) -> Path:
        """The page."""
        return self.out / "report.html"


def validate(
    signature: str | Path,
    study: str | Path,
    *,
    out: str | Path | None = None,
    data: str | Path | None = None,
    by: Sequence[str] = (),
    jobs: int | None = None,
    say: Callable[[str], None] = lambda _: None,
    bar: Callable[[Iterable[Any], int, str], Iterable[Any]] = lambda items, _total, _what: items,
) -> Validation:
    """Validate a signature on an external cohort; a validation that was stopped continues where it stopped.

    Parameters
    ----------
    signature : the signature.json.
    study : the study file of the external cohort; what the signature decides may be left out.
    out : folder of the results; by default ``runs/STUDY_validation`` next to the study file.
    data : folder that the study file's paths start from; by default its own.
    by : columns of the cohort table for subgroups, besides those of the study file (``validate.by``).
    jobs : processes for the work on images; None uses all cores.
    say, bar : where progress goes.

    Raises
    ------
    StudyFileError : the study file has mistakes, or contradicts the signature.
    RefusedError : the signature cannot be used on these data.
    RadstudyError : the validation cannot go on; the message gives the reason and the remedy.
    """
    file = Path(study)
    folder = Path(data) if data is not None else file.parent
    target = Path(out) if out is not None else file.parent / "runs" / f"{file.stem}_validation"
    model = read_signature(Path(signature))
    external = read_external_study(model, file, folder.resolve())
    protocol = external.protocol
    groups = tuple(dict.fromkeys((*protocol.validate_.by, *by)))
    _refuse_a_study(target)
    require_known_schema(target)
    with only_run(target), hiding(identifiers_of(protocol, folder, target)), logged_in(target / LOG, say=say):
        write_schema(target)
        run = Run(protocol, folder.resolve(), target, jobs or cores(), say, bar, prescribed=external.extraction)
        do_cohort(run)  # table, exclusions, files                                   -> cohort/
        if protocol.sequences:
            do_prepare(run, then=None if protocol.features else while_in_memory(run))  # -> prepare/
            do_extract(run)  # a lesion's features, with the signature's settings    -> extract/
        do_validate(run, Validated(model, Path(signature), groups, external.notes))  # -> validate/, validation.json
        do_validation_report(run)  # everything on one page                          -> report/, report.html
    return Validation(target, RESULT.read(target), lost_in(target))


def _refuse_a_study(out: Path) -> None:
    """Refuse the folder of a study's own run: its steps have other patients."""
    if (out / "model").exists() or (out / "evaluate").exists():
        raise UsageError(f"{out} has the run of a study. Nothing was written. To do: choose another --out")
