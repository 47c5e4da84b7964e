"""The description of the service by OpenAPI 3.1: every path, status, body and limit, for the signature that is served.

References
----------
OpenAPI Specification 3.1.1. JSON Schema 2020-12.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from radstudy._version import __version__
from radstudy.app.prediction.inputs import SignatureInputs, limits_of
from radstudy.app.prediction.limits import ServiceLimits
from radstudy.app.prediction.routes import HEALTH, IMAGES, OPENAPI, RETRY_AFTER_S, SIGNATURE, VALUES
from radstudy.app.prediction.schemas import ANSWERS, MOST_VALUES
from radstudy.app.web.security import ENTER
from radstudy.protocol.cohort import ClinicalVariable
from radstudy.signature.document import USE
from radstudy.signature.patient import tissue_of

Plain = dict[str, Any]
PAGE = "/page"
_ERRORS = {
    400: "The body cannot be read.",
    401: "No session: send the token of the link as Authorization: Bearer TOKEN.",
    403: "The request comes from another site, or calls the server by another name.",
    404: "There is no such path.",
    405: "This method is not used here.",
    408: "The request did not arrive in time.",
    413: "The request is larger than the server takes.",
    415: "The body, or a file, is of a type that is not used here.",
    422: "The patient is unlike those of training (RefusedAnswer), or a value or file cannot be used (ErrorAnswer).",
    429: "As many requests wait as the server takes: send it again later.",
    503: "The computer of the server starts no process now.",
    507: "The disk of the server is full.",
}
_GUARDED = (401, 403)


def openapi_document(inputs: SignatureInputs, limits: ServiceLimits, *, cookie: str, files: Sequence[str]) -> Plain:
    """The document.

    Parameters
    ----------
    inputs : of the signature that is served.
    limits : of the server.
    cookie : name of the session's cookie.
    files : names of the page's scripts and styles.
    """
    _, schemas = models_json_schema(
        [(model, "validation") for model in ANSWERS], ref_template="#/components/schemas/{model}"
    )
    signature = inputs.signature
    return {
        "openapi": "3.1.1",
        "info": {
            "title": f"Predictions by the signature of '{signature.study}', model '{signature.model}'",
            "version": __version__,
            "description": f"{USE} Not for decisions about care. {signature.notice}".strip(),
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"session": []}],
        "paths": {**_api(inputs, limits), **_page(files)},
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer",
                          "description": "The part behind # of the link that is printed when the server starts."},
                "session": {"type": "apiKey", "in": "cookie", "name": cookie,
                            "description": f"Given by {ENTER}; a POST with it needs the header Origin."},
            },
        },
        "x-limits": dict(limits_of(limits)),
    }  # fmt: skip


def _api(inputs: SignatureInputs, limits: ServiceLimits) -> Plain:
    """The paths for programs."""
    return {
        HEALTH: {"get": _operation(
            "health", "Tell that the server answers, and for which model.", {200: "HealthAnswer"}, (403,), free=True
        )},
        OPENAPI: {"get": {
            **_operation("openapi", "Describe the service: this document.", {}, (403,), free=True),
            "responses": {"200": {"description": "OpenAPI 3.1.", "content": {"application/json": {
                "schema": {"type": "object", "required": ["openapi", "info", "paths"]}
            }}}, **_errors((403,))},
        }},
        SIGNATURE: {"get": _operation(
            "signature", "Tell what the model asks of a patient.", {200: "SignatureAnswer"}, _GUARDED
        )},
        VALUES: {"post": {
            **_operation(
                "predict_values",
                f"Predict from features and clinical values. At most {limits.values_bytes:,} bytes.",
                {200: "PredictionAnswer"}, (400, *_GUARDED, 408, 413, 415, 422, 507),
            ),
            "requestBody": {"required": True, "content": {"application/json": {"schema": _values(inputs)}}},
        }},
        IMAGES: {"post": {
            **_operation(
                "predict_images",
                "Predict from images and masks: NIfTI, NRRD or MetaImage, masks also as DICOM SEG or RTSTRUCT. At most "
                f"{limits.file_bytes:,} bytes for a file and {limits.request_bytes:,} for the request, which has to "
                f"arrive within {limits.upload_s:g} s; one is worked on, for at most {limits.work_s:g} s, and "
                f"{limits.waiting} wait.",
                {200: "PredictionAnswer"}, (400, *_GUARDED, 408, 413, 415, 422, 429, 503, 507),
            ),
            "requestBody": {"required": True, "content": {"multipart/form-data": _form(inputs)}},
        }},
    }  # fmt: skip


def _page(files: Sequence[str]) -> Plain:
    """The paths of the page for one patient."""
    named = {"name": "file", "in": "path", "required": True, "schema": {"type": "string", "enum": list(files)}}
    return {
        "/": {"get": _html("entry", "Open the page: its script turns the link's token into a cookie.", free=True)},
        PAGE: {"get": _html("page", "Show the page for one patient.")},
        "/static/{file}": {"get": {
            **_html("file", "Give a script, style or text of the page."),
            "parameters": [named],
            "responses": {"200": _any_text(), **_errors((*_GUARDED, 404))},
        }},
        ENTER: {"post": {
            **_operation("enter", "Turn the token of the link into the cookie of a session.", {200: "EnteredAnswer"},
                         (401, 403, 408, 413, 422, 429), free=True),
            "parameters": [{"name": "Origin", "in": "header", "required": True, "schema": {"type": "string"},
                            "description": "The server's own, as browsers send it."}],
            "requestBody": {"required": True, "content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/TokenBody"}
            }}},
        }},
    }  # fmt: skip


def _operation(
    name: str, summary: str, answers: Mapping[int, str], errors: Sequence[int], *, free: bool = False
) -> Plain:
    good = {
        str(status): {"description": "The answer.", "headers": {},
                      "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{model}"}}}}
        for status, model in answers.items()
    }  # fmt: skip
    return {
        "operationId": name,
        "summary": summary,
        **({"security": []} if free else {}),
        "responses": {**good, **_errors(errors)},
    }


def _html(name: str, summary: str, *, free: bool = False) -> Plain:
    responses = {"200": _any_text(), **_errors((403,) if free else _GUARDED)}
    return {"operationId": name, "summary": summary, **({"security": []} if free else {}), "responses": responses}


def _any_text() -> Plain:
    kinds = ("text/html", "text/javascript", "text/css", "application/json")
    return {"description": "The file.", "content": {kind: {} for kind in kinds}}


def _errors(statuses: Sequence[int]) -> Plain:
    return {str(status): _error(status) for status in statuses}


def _error(status: int) -> Plain:
    schema: Plain = {"$ref": "#/components/schemas/ErrorAnswer"}
    if status == 422:
        schema = {"anyOf": [{"$ref": "#/components/schemas/RefusedAnswer"}, schema]}
    answer = {"description": _ERRORS[status], "content": {"application/json": {"schema": schema}}}
    if status == 429:
        answer["headers"] = {"Retry-After": {
            "description": f"Seconds, such as {RETRY_AFTER_S}.", "schema": {"type": "integer", "minimum": 0}
        }}  # fmt: skip
    return answer


def _values(inputs: SignatureInputs) -> Plain:
    """The body of a request with values."""
    clinical = {name: _clinical(variable) for name, (variable, _) in inputs.clinical.items()}
    needed = [name for name, (_, is_needed) in inputs.clinical.items() if is_needed]
    features = [name for name, is_needed in inputs.features.items() if is_needed]
    number = {"type": ["number", "null"], "description": "null where the feature has no value."}
    properties = {
        "clinical": {"type": "object", "properties": clinical, "required": needed, "additionalProperties": False},
        "features": {"type": "object", "properties": dict.fromkeys(inputs.features, number), "required": features,
                     "additionalProperties": number, "maxProperties": MOST_VALUES},
        **_flags({"type": "boolean", "default": False}),
    }  # fmt: skip
    required = [*(["clinical"] if needed else []), *(["features"] if features else [])]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _form(inputs: SignatureInputs) -> Plain:
    """The body of a request with images."""
    kinds = ["image", "mask", *(["reference"] if tissue_of(inputs.signature) is not None else [])]
    sequences = inputs.sequences if inputs.takes_images else {}
    files = {f"{kind}:{name}": is_needed for name, is_needed in sequences.items() for kind in kinds}
    clinical = {f"clinical:{name}": _clinical(variable) for name, (variable, _) in inputs.clinical.items()}
    needed = [name for name, is_needed in files.items() if is_needed]
    needed += [f"clinical:{name}" for name, (_, is_needed) in inputs.clinical.items() if is_needed]
    label = {"type": "string", "maxLength": 200,
             "description": "Number or name of the lesion's label in the masks, largest or union."}  # fmt: skip
    properties = {
        **{name: {"type": "string", "format": "binary"} for name in files},
        **clinical,
        **({"label": label} if files else {}),
        **_flags({"type": "string", "enum": ["true", "false"], "default": "false"}),
    }
    schema = {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}
    return {"schema": schema, "encoding": {name: {"contentType": "application/octet-stream"} for name in files}}


def _flags(schema: Plain) -> Plain:
    return {
        "outside_range": {**schema, "description": "Give the probability of a patient unlike those of training, too."},
        "page": {**schema, "description": "Give the answer as HTML, too."},
    }


def _clinical(variable: ClinicalVariable) -> Plain:
    if variable.levels is not None:
        return {"type": "string", "enum": list(variable.levels)}
    return {"type": "number", **({"description": variable.unit} if variable.unit else {})}
