"""The JSON of the service: declarations by which a request is read, and from which /openapi.json is generated."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from radstudy.app.prediction.answers import NotJsonError
from radstudy.app.web.entering import TokenBody
from radstudy.app.web.needs import IncompleteError

MOST_VALUES = 20_000
Number = Annotated[float, Field(allow_inf_nan=False)]
Use = Literal["Research use only, not a medical device."]
RequestId = Annotated[str, Field(pattern="^[0-9a-f]{16}$", description="The id by which the audit log knows it.")]


class ServedJson(BaseModel):
    """One object: exactly these names."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ValuesRequest(ServedJson):
    """Values of one patient."""

    clinical: Annotated[dict[str, str | Number], Field(max_length=MOST_VALUES)] = {}
    features: Annotated[dict[str, Number | None], Field(max_length=MOST_VALUES)] = {}
    outside_range: bool = False
    page: bool = False


class HealthAnswer(ServedJson):
    """The server answers, and for which model."""

    status: Literal["ok"]
    model: str
    version: str = Field(description="Of radstudy.")
    hash: str = Field(description="Of the signature.")
    working: int = Field(ge=0, description="Requests with images that are worked on or wait.")
    use: Use


class OutcomeNames(ServedJson):
    """The outcome that the probability is of."""

    label: str
    positive: str
    negative: str


class SequenceInput(ServedJson):
    """A sequence, and the fields of its files."""

    name: str
    needed: bool = Field(description="False if only the interval uses it.")
    image: str
    mask: str
    reference: str | None = Field(description="Mask of the reference tissue; null if the study used none.")


class ClinicalInput(ServedJson):
    """A clinical variable: a number, or one of its levels."""

    name: str
    field: str = Field(description="Of a request with images.")
    needed: bool = Field(description="False if only the interval uses it.")
    label: str
    unit: str
    levels: list[str] | None


class FeatureInput(ServedJson):
    """A feature, by PyRadiomics' name behind its sequence."""

    name: str
    needed: bool = Field(description="False if only the interval uses it.")


class ServedLimits(ServedJson):
    """The limits of the server."""

    file_bytes: int
    request_bytes: int
    values_bytes: int
    files: int
    waiting: int
    upload_seconds: float
    work_seconds: float


class SignatureAnswer(ServedJson):
    """The model, and what it asks of a patient."""

    study: str
    model: str
    notice: str
    use: Use
    outcome: OutcomeNames
    cutoff: float | None
    hash: str
    takes_images: bool
    reference_tissue: str | None
    sequences: list[SequenceInput]
    clinical: list[ClinicalInput]
    features: list[FeatureInput]
    limits: ServedLimits


class ServedInterval(ServedJson):
    """Interval of a probability, by refits that redo the selection."""

    low: float | None
    high: float | None
    level: float
    used: int
    refits: int
    note: str


class ServedContribution(ServedJson):
    """One term of the formula."""

    name: str
    value: float
    log_odds: float
    outside_training: bool


class ServedFinding(ServedJson):
    """One way in which the patient differs from the training patients."""

    kind: str
    where: str
    message: str
    refuses: bool
    value: float | None
    low: float | None = Field(description="Of the training range, as high.")
    high: float | None
    bound_low: float | None = Field(description="Beyond which it refuses, as bound_high.")
    bound_high: float | None


class PredictionAnswer(ServedJson):
    """A prediction."""

    study: str
    model: str
    notice: str
    use: Use
    request: RequestId
    outcome: dict[str, Any]
    refused: Literal[False]
    probability: Annotated[float, Field(ge=0, le=1)]
    interval: ServedInterval | None
    cutoff: float | None
    positive: bool
    contributions: list[ServedContribution]
    outside_range: bool = Field(description="True if reasons against the prediction were overruled.")
    findings: list[ServedFinding]
    warnings: list[str]
    not_used: list[str] = Field([], description="Features that were given, and that the model does not use.")
    html: str = Field("", description="The same as HTML, if the request has page: true.")


class RefusedAnswer(ServedJson):
    """No probability: the patient differs from the training patients. All reasons at once."""

    error: str
    study: str
    model: str
    notice: str
    use: Use
    request: RequestId
    outcome: dict[str, Any]
    refused: Literal[True]
    probability: None
    findings: list[ServedFinding]
    not_used: list[str] = []
    html: str = ""


class ErrorAnswer(ServedJson):
    """The problem, and the remedy."""

    error: str
    use: Use
    request: RequestId | None = None


class EnteredAnswer(ServedJson):
    """The session has begun: its cookie is in the header."""

    use: Use


ANSWERS: Sequence[type[BaseModel]] = (
    HealthAnswer, SignatureAnswer, PredictionAnswer, RefusedAnswer, ErrorAnswer, EnteredAnswer, TokenBody,
)  # fmt: skip


def values_request(content: bytes) -> ValuesRequest:
    """The values in a request's body.

    Raises
    ------
    NotJsonError : it is not JSON.
    IncompleteError : it is not what is asked for; says where.
    """
    try:
        given = json.loads(content, parse_float=_finite, parse_constant=_finite, object_pairs_hook=_each_once)
        json.dumps(given, ensure_ascii=False).encode()  # half a character could not be sent back
    except (ValueError, RecursionError) as error:
        why = (
            str(error) if isinstance(error, _TwiceError) else "the body is not JSON (NaN and infinity are not, either)"
        )
        raise NotJsonError(why) from None
    try:
        return ValuesRequest.model_validate(given)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, one['loc'])) or 'the body'}: {one['msg']}"
                    for one in error.errors(include_url=False, include_input=False)[:20]]  # fmt: skip
        raise IncompleteError("; ".join(dict.fromkeys(problems))) from None


class _TwiceError(ValueError):
    """A name is in an object twice."""


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name, value in pairs:
        if name in read:
            raise _TwiceError(f"'{name[:100]}' is given twice: send it once")
        read[name] = value
    return read


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(text)
    return number
