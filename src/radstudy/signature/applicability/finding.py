"""A difference from the training patients, and the error of those that refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from radstudy.errors import RefusedError

NOT_CHECKED = "not checked"  # kind of a finding that says what could not be compared


@dataclass(frozen=True)
class UnlikeTraining:
    """One way in which a patient differs from the training patients.

    Attributes
    ----------
    kind : feature, clinical, joint, spacing, matrix, volume, distance, volume ratio, intensities, same image, name,
        origin, acquisition, mask, sampling, not checked.
    where : the sequence, the two sequences, the term or the variable.
    message : what is wrong, with the patient's value and the training range.
    refuses : whether the user has to confirm to continue.
    value : the patient's value, if it is a single number.
    low, high : the training range.
    bound_low, bound_high : bounds beyond which the finding refuses.
    """

    kind: str
    where: str
    message: str
    refuses: bool
    value: float | None = None
    low: float | None = None
    high: float | None = None
    bound_low: float | None = None
    bound_high: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as plain JSON, for machines."""
        return asdict(self)


class UnlikeTrainingError(RefusedError):
    """Raised if the patient differs from the training patients; `findings` lists the differences."""

    def __init__(self, model: str, findings: Sequence[UnlikeTraining]) -> None:
        self.model, self.findings = model, tuple(findings)
        reasons = [finding for finding in findings if finding.refuses]
        lines = "\n".join(f"  {number}. {finding.message}" for number, finding in enumerate(reasons, 1))
        remarks = "".join(f"\n  Also: {finding.message}" for finding in findings if not finding.refuses)
        super().__init__(
            f"no probability: this patient differs from the patients that the model '{model}' was trained on\n"
            f"{lines}{remarks}\n"
            "To do: check the files and values above: does each image belong to this patient and to the sequence "
            "given for it, and does each mask show the same lesion? If everything is right, the model does not apply "
            "to this patient; --outside-range prints its probability anyway, with these reasons"
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Return the parts from which the error is rebuilt when unpickled."""
        return (UnlikeTrainingError, (self.model, self.findings))
