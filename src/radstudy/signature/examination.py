"""The examination of one patient, from DICOM: its volumes by role and its drawings, as `radstudy import` finds them.

The import writes into a folder that only this user can read, and that is deleted with everything in it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from radstudy.errors import CaseError, DataError, RefusedError
from radstudy.intake.decision import REFUSED, REVIEW, ROLE
from radstudy.intake.plan import Item, Plan
from radstudy.intake.run import ImportResult, Options, run_import
from radstudy.intake.sources import open_source
from radstudy.signature.document import Signature
from radstudy.signature.soundness import FROM_TABLE

_SHOWN = 12


@dataclass(frozen=True)
class DicomRequest:
    """An examination to be read from DICOM, and how.

    Parameters
    ----------
    source : a folder, a ZIP file or a DICOMDIR.
    roles : sequence of the model to the role under which the import knows it, where the names differ.
    reader, region : which drawing to use, if there are several on a sequence; "" for the only one.
    examination : "first" or "last", of several; "" for the only one.
    rules : the user's rules for roles; None for those of radstudy.
    readers : rules that assign drawings to readers; see `radstudy.intake.readers.read_rule`.
    """

    source: str
    roles: Mapping[str, str] = field(default_factory=dict)
    reader: str = ""
    region: str = ""
    examination: str = ""
    rules: Path | None = None
    readers: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportedExamination:
    """The files of one patient's examination, while the folder of its import exists.

    Parameters
    ----------
    images, masks : sequence to file, of those that were asked for.
    """

    images: Mapping[str, Path]
    masks: Mapping[str, Path]


@contextmanager
def imported_examination(
    signature: Signature,
    request: DicomRequest,
    *,
    images: Mapping[str, Path],
    masks: Mapping[str, Path],
    say: Callable[[str], None] = lambda message: None,
) -> Iterator[ImportedExamination]:
    """Import one patient's examination for as long as the context lasts.

    Parameters
    ----------
    signature : the model, whose sequences are looked for.
    request : the source, and how to read it.
    images, masks : sequence to file, of what was given beside the source: not looked for there.
    say : prints a message of the import.

    Raises
    ------
    UsageError : there is nothing at the path, or a rule is wrong.
    DataError : the source has no MR image.
    CaseError : the examination cannot be used.
    RefusedError : the model uses no images, the source has several patients, or a sequence or its drawing is missing or
        not certain; the message has all reasons.
    """
    if not signature.sequences or signature.extract.get(FROM_TABLE):
        why = "from a table of features" if signature.sequences else "without images"
        raise RefusedError(f"--dicom: the model '{signature.model}' was made {why}. To do: leave --dicom out")
    if unknown := sorted(set(request.roles) - set(signature.sequences)):
        raise RefusedError(
            f"--role {unknown[0]}={request.roles[unknown[0]]}: the model '{signature.model}' does not use "
            f"{unknown[0]}; its sequences are {', '.join(signature.sequences)}"
        )
    with tempfile.TemporaryDirectory(prefix="radstudy-examination-", ignore_cleanup_errors=True) as folder:
        out = Path(folder) / "images"
        options = Options(
            out, Path(folder) / "private", rules=request.rules, examination=request.examination,
            readers=request.readers,
        )  # fmt: skip
        outcome = run_import(open_source(request.source), options)
        plan = _one_patient(outcome)
        wanted = [name for name in signature.sequences if name not in images]
        drawn = [name for name in signature.sequences if name not in masks]
        problems: list[str] = []
        volumes = dict(_volumes(plan, out, wanted, request, problems))
        drawings = dict(_drawings(outcome, out, drawn, request, problems))
        if problems:
            raise RefusedError(_listed(signature, problems, outcome.failures))
        _add_further(signature, request, plan, outcome, out, volumes, drawings)
        for failure in outcome.failures:
            say(failure)
        yield ImportedExamination(volumes, drawings)


def _one_patient(outcome: ImportResult) -> Plan:
    plans = [plan for plan in outcome.plans if plan.items or plan.problem]
    if not plans:
        raise DataError("\n  ".join(["the source holds no MR image that can be used", *outcome.failures]))
    if len(plans) > 1:
        raise RefusedError(
            f"the source holds {len(plans)} patients, and a prediction is for one. To do: give the folder of one; for "
            "many, use 'radstudy import' and then 'radstudy predict --table'"
        )
    if plans[0].problem:
        raise CaseError(plans[0].problem, plans[0].remedy or "use 'radstudy import' and answer its review")
    return plans[0]


def _volumes(
    plan: Plan, out: Path, wanted: list[str], request: DicomRequest, problems: list[str]
) -> Iterator[tuple[str, Path]]:
    """Find the volume of each sequence; add to `problems` where there is none."""
    if plan.choice is not None and plan.choice.taken is None:
        problems.append(
            f"the patient has several examinations ({plan.choice.described}): choose one by --examination first or last"
        )
        return
    for sequence in wanted:
        role = request.roles.get(sequence, sequence)
        items = [item for item in plan.with_status(ROLE) if item.decision.role == role and item.file]
        if len(items) == 1:
            yield sequence, out / plan.name / items[0].file
        else:
            problems.append(f"--image {sequence}=FILE is needed: {_absence(plan, sequence, role)}")


def _add_further(
    signature: Signature, request: DicomRequest, plan: Plan, outcome: ImportResult, out: Path,
    volumes: dict[str, Path], drawings: dict[str, Path],
) -> None:  # fmt: skip
    """Add the sequences that only the refits use, for the interval, where volume and drawing are certain."""
    refits = signature.refits.sequences if signature.refits is not None else ()
    further = [name for name in refits if name not in signature.sequences]
    seen = dict(_volumes(plan, out, further, request, []))
    drawn = dict(_drawings(outcome, out, further, request, []))
    both = [name for name in further if name in seen and name in drawn]
    volumes |= {name: seen[name] for name in both}
    drawings |= {name: drawn[name] for name in both}


def _absence(plan: Plan, sequence: str, role: str) -> str:
    """Say why the import has no volume of a role."""
    near = [one for one in plan.with_status(REVIEW, REFUSED) if role in {one.decision.role, one.decision.suggested}]
    near += [one for one in plan.with_status(REVIEW) if one not in near and role.startswith(one.decision.kind or "\0")]
    if near:
        reasons = "; ".join(f"{_series(item)}: {item.decision.reason}" for item in near)
        return f"the role {role} is not certain ({reasons})"
    known = sorted({item.decision.role for item in plan.with_status(ROLE)})
    named = f"--role {sequence}=ROLE if it has another name here" if known else "no role was recognised"
    return f"no series has the role {role}; there are {', '.join(known) or 'none'} ({named})"


def _series(item: Item) -> str:
    return f"series {item.decision.series.facts.series_number}"


def _drawings(
    outcome: ImportResult, out: Path, wanted: list[str], request: DicomRequest, problems: list[str]
) -> Iterator[tuple[str, Path]]:
    """Find the drawing on each sequence; add to `problems` where there is none, or more than one."""
    for sequence in wanted:
        role = request.roles.get(sequence, sequence)
        rows = [row for row in outcome.masks if row["role"] == role and row["file"]]
        chosen = [
            row
            for row in rows
            if request.reader in ("", row["reader"]) and request.region in ("", row["name"])
        ]  # fmt: skip
        if len(chosen) == 1:
            yield sequence, out / chosen[0]["file"]
            continue
        named = [" ".join(filter(None, [row["name"], row["reader"] and f"by {row['reader']}"])) for row in rows]
        if chosen:
            choices = "; choose one by --region or --reader"
            problems.append(f"--mask {sequence}=FILE is needed: there are {len(rows)} drawings on {role} "
                            f"({', '.join(named)}){choices}")  # fmt: skip
        elif rows:
            problems.append(f"--mask {sequence}=FILE is needed: no drawing on {role} is that of --reader or --region; "
                            f"there are {', '.join(named)}")  # fmt: skip
        else:
            lost = [row["reason"] for row in outcome.masks if not row["file"] and row["role"] in ("", role)]
            why = f" ({'; '.join(dict.fromkeys(lost))})" if lost else ""
            problems.append(f"--mask {sequence}=FILE is needed: the source has no drawing on {role}{why}")


def _listed(signature: Signature, problems: list[str], failures: tuple[str, ...]) -> str:
    lines = [f"  {number}. {problem}" for number, problem in enumerate(problems, 1)]
    lines += [f"  Also: {failure}" for failure in failures[:_SHOWN]]
    if len(failures) > _SHOWN:
        lines.append(f"  and {len(failures) - _SHOWN} more")
    return "\n".join([f"the source does not have all that the model '{signature.model}' needs:", *lines])
