"""One prediction: what was asked, and the answer to it. Images are read in a process of their own.

A damaged image may crash native code, or keep it busy: then that process ends, and the server does not.
"""

from __future__ import annotations

import faulthandler
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from radstudy.app.prediction.answers import Wording, refusal
from radstudy.errors import CaseError, RefusedError
from radstudy.imaging.roi import label_of
from radstudy.parallel import cores, results
from radstudy.signature.applicability import UnlikeTraining, UnlikeTrainingError
from radstudy.signature.check import FAILED, CheckedPart, check_signature
from radstudy.signature.document import Signature
from radstudy.signature.predict import Prediction, predict_features, predict_patient, refused
from radstudy.signature.prediction_page import prediction_fragment, refusal_fragment

_APART = 2  # jobs: with 1, this process could do the work
PREDICTED, OUTSIDE, REFUSED, NOT_USABLE = "predicted", "outside range", "refused", "not usable"


@dataclass(frozen=True)
class AskedValues:
    """A prediction from features that were computed before.

    Parameters
    ----------
    features : column to value; NaN where missing.
    clinical : variable to value.
    outside_range, page : whether the probability is wanted in any case, and the answer as HTML, too.
    """

    features: Mapping[str, float]
    clinical: Mapping[str, str]
    outside_range: bool = False
    page: bool = False


@dataclass(frozen=True)
class AskedImages:
    """A prediction from images.

    Parameters
    ----------
    files : field, such as image:DWI, to file.
    folder : of the files.
    clinical, outside_range, page : see `AskedValues`.
    label : of the lesion in the masks; "" takes the only one present.
    until : seconds since the epoch at which it has to be finished.
    """

    files: Mapping[str, Path]
    folder: Path
    clinical: Mapping[str, str]
    label: str
    until: float
    outside_range: bool = False
    page: bool = False

    def of_kind(self, kind: str) -> dict[str, Path]:
        """Sequence to file, of the fields of a kind."""
        return {name.partition(":")[2]: file for name, file in self.files.items() if name.startswith(f"{kind}:")}


@dataclass(frozen=True)
class Outcome:
    """The answer to what was asked.

    Parameters
    ----------
    status : of HTTP.
    verdict : for the audit log.
    content : JSON.
    """

    status: int
    verdict: str
    content: Mapping[str, Any] = field(default_factory=dict)


def from_values(signature: Signature, asked: AskedValues) -> Outcome:
    """Predict from values."""
    ask = partial(
        predict_features, signature, features=asked.features, clinical=asked.clinical, outside_range=asked.outside_range
    )
    further = [name for name in asked.features if name not in used_features(signature)]
    return _outcome(signature, ask, Wording({}), page=asked.page, more={"not_used": further})


def used_features(signature: Signature) -> list[str]:
    """The columns of features that the formula or one of its refits uses."""
    further = signature.refits.names if signature.refits is not None else ()
    names = (*(term.name for term in signature.form.terms), *further)
    return [name for name in dict.fromkeys(names) if not name.startswith("clinical:")]


def from_images(signature: Signature, asked: AskedImages) -> Outcome:
    """Predict from images, in a process that a damaged file may end.

    Raises
    ------
    ProcessError : no process can be started.
    """
    ((_, outcome),) = results(partial(_in_process, signature), [asked], _APART, threads=cores(), shielded=True)
    if isinstance(outcome, CaseError):
        return Outcome(422, NOT_USABLE, {"error": _wording(asked).said(str(outcome))})
    return outcome


def verified(path: Path) -> list[CheckedPart]:
    """Verify a signature in the process that will read the images: its kernels are ready afterwards.

    Raises
    ------
    RefusedError : a part of it fails.
    """
    ((_, parts),) = results(check_signature, [path], _APART, threads=cores(), shielded=True)
    if isinstance(parts, CaseError):
        raise RefusedError(f"{path} cannot be verified on this computer: {parts}")
    if failed := [part for part in parts if part.result == FAILED]:
        listed = "; ".join(f"{part.part}: {part.text}" for part in failed)
        raise RefusedError(
            f"{path} is not served, because it does not give its own results on this computer: {listed}. To do: "
            "'radstudy signature check' prints all parts"
        )
    return parts


def _in_process(signature: Signature, asked: AskedImages) -> Outcome:
    left = asked.until - time.time()
    if left <= 0:  # the process before this one was ended by its own clock
        return Outcome(422, NOT_USABLE, {"error": _TOO_SLOW})
    ask = partial(
        predict_patient, signature, images=asked.of_kind("image"), masks=asked.of_kind("mask"),
        clinical=asked.clinical, references=asked.of_kind("reference"), outside_range=asked.outside_range,
    )  # fmt: skip
    with _ended_after(left):
        return _outcome(
            signature, lambda: ask(label=label_of(asked.label or None)), _wording(asked), page=asked.page, more={}
        )


_TOO_SLOW = (
    "the images took longer than this server gives one request: crop them to the region of the lesion, or use "
    "'radstudy predict', which has no such limit"
)


@contextmanager
def _ended_after(seconds: float) -> Iterator[None]:
    """End this process if it is not done in time, whatever native code it is in."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a device, not a file
        faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


def _wording(asked: AskedImages) -> Wording:
    return Wording({file: name for name, file in asked.files.items()}, [asked.folder])


def _outcome(
    signature: Signature, ask: Callable[[], Prediction], wording: Wording, *, page: bool, more: Mapping[str, Any]
) -> Outcome:
    """The answer to one patient, refused or not."""
    try:
        prediction = ask()
    except UnlikeTrainingError as error:
        findings = _said(error.findings, wording)
        html = {"html": refusal_fragment(findings)} if page else {}
        content = {"error": wording.said(str(error)), **refused(signature, findings), **more, **html}
        return Outcome(422, REFUSED, content)
    except Exception as error:
        status, text = refusal(error, wording)
        return Outcome(status, NOT_USABLE, {"error": text})
    prediction = replace(
        prediction, findings=_said(prediction.findings, wording), warnings=tuple(map(wording.said, prediction.warnings))
    )
    html = {"html": wording.said(prediction_fragment(prediction))} if page else {}
    content = prediction.as_dict()
    return Outcome(200, OUTSIDE if content["outside_range"] else PREDICTED, {**content, **more, **html})


def _said(findings: tuple[UnlikeTraining, ...], wording: Wording) -> tuple[UnlikeTraining, ...]:
    return tuple(replace(finding, message=wording.said(finding.message)) for finding in findings)
