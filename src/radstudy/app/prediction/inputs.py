"""Inputs that a signature asks of a patient, as a program or a page has to send them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from radstudy.app.prediction.limits import ServiceLimits
from radstudy.app.prediction.work import used_features
from radstudy.protocol.cohort import ClinicalVariable
from radstudy.signature.document import USE, Signature
from radstudy.signature.patient import tissue_of
from radstudy.signature.soundness import FROM_TABLE
from radstudy.table import CLINICAL


@dataclass(frozen=True)
class SignatureInputs:
    """The inputs of one signature, those of its formula and those that only its interval uses.

    Parameters
    ----------
    signature : the model.
    """

    signature: Signature

    @property
    def takes_images(self) -> bool:
        """False if the features were computed elsewhere, or if the model has none."""
        return bool(self.sequences) and not self.signature.extract.get(FROM_TABLE)

    @property
    def sequences(self) -> dict[str, bool]:
        """Sequence to whether the formula needs it."""
        refits = self.signature.refits.sequences if self.signature.refits is not None else ()
        return {**dict.fromkeys(refits, False), **dict.fromkeys(self.signature.sequences, True)}

    @property
    def clinical(self) -> dict[str, tuple[ClinicalVariable, bool]]:
        """Variable to its codebook, and whether the formula needs it."""
        further = self.signature.refits.clinical if self.signature.refits is not None else {}
        codebooks = {**further, **self.signature.clinical}
        return {
            name: (ClinicalVariable.model_validate(codebook), name in self.signature.clinical)
            for name, codebook in codebooks.items()
        }

    @property
    def features(self) -> dict[str, bool]:
        """Column of a feature to whether the formula needs it."""
        needed = {term.name for term in self.signature.form.terms if not term.name.startswith(CLINICAL)}
        return {name: name in needed for name in used_features(self.signature)}

    def as_dict(self, signature_hash: str, limits: ServiceLimits) -> dict[str, Any]:
        """The inputs as JSON, with what the model is for."""
        signature, tissue = self.signature, tissue_of(self.signature)
        return {
            "study": signature.study,
            "model": signature.model,
            "notice": signature.notice,
            "use": USE,
            "outcome": {name: str(signature.outcome[name]) for name in ("label", "positive", "negative")},
            "cutoff": signature.cutoff,
            "hash": signature_hash,
            "takes_images": self.takes_images,
            "reference_tissue": tissue,
            "sequences": [
                {"name": name, "needed": needed, "image": f"image:{name}", "mask": f"mask:{name}",
                 "reference": None if tissue is None else f"reference:{name}"}
                for name, needed in self.sequences.items()
            ],
            "clinical": [
                {"name": name, "field": f"clinical:{name}", "needed": needed, "label": variable.label or name,
                 "unit": variable.unit, "levels": None if variable.levels is None else list(variable.levels)}
                for name, (variable, needed) in self.clinical.items()
            ],
            "features": [{"name": name, "needed": needed} for name, needed in self.features.items()],
            "limits": limits_of(limits),
        }  # fmt: skip


def limits_of(limits: ServiceLimits) -> Mapping[str, float]:
    """The limits as JSON, for people who write programs that send requests."""
    return {
        "file_bytes": limits.file_bytes,
        "request_bytes": limits.request_bytes,
        "values_bytes": limits.values_bytes,
        "files": limits.files,
        "waiting": limits.waiting,
        "upload_seconds": limits.upload_s,
        "work_seconds": limits.work_s,
    }
