"""A page about one prediction, to look at: probability, interval, verdict and contributions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from radstudy.signature.applicability import UnlikeTraining
from radstudy.signature.document import USE, Signature
from radstudy.signature.predict import Contribution, Prediction, shown

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}
.use{background:#fff3cd;border:1px solid #b58900;padding:.6rem 1rem;font-weight:600}
.no{background:#fdecea;border:1px solid #b3261e;padding:.6rem 1rem}.yes{background:#e8f3ec;border:1px solid #2e7d4f;
padding:.6rem 1rem}
.big{font-size:2.6rem;font-weight:600;margin:.5rem 0 0}
svg{display:block;width:100%}.scale{height:1.6rem;background:#e7eaee;margin:1rem 0 .3rem}.range{fill:#9db8d9}
.here,.cut{vector-effect:non-scaling-stroke;stroke:#0b3d78;stroke-width:3px}
.cut{stroke:#b3261e;stroke-width:2px;stroke-dasharray:4 3}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #d5d9de;
overflow-wrap:anywhere}td.n{text-align:right;white-space:nowrap}
td.b{width:30%}.bar{height:.7rem;fill:#0b3d78}.bar.minus{fill:#b58900}small{color:#4a5560}
"""


_OVERRULED = "The probability below is printed because of --outside-range; its accuracy is unknown."


def prediction_page(prediction: Prediction, *, title: str = "") -> str:
    """Return the page of a prediction as HTML; it needs no other file.

    Parameters
    ----------
    prediction : what to print.
    title : such as the patient's pseudonym.
    """
    return _page(prediction.signature, title, prediction_fragment(prediction))


def prediction_fragment(prediction: Prediction) -> str:
    """Return the content of a prediction's page as HTML without styles, for a page that has `STYLE`."""
    overruled = [finding for finding in prediction.findings if finding.refuses]
    remarks = [finding for finding in prediction.findings if not finding.refuses]
    outcome = prediction.signature.outcome
    call = "at or above" if prediction.positive else "below"
    cutoff = (
        "The study's rule for the cut-off classifies no patient as positive."
        if np.isinf(prediction.cutoff) else f"This is {call} the training cut-off of {prediction.cutoff:.3f}."
    )  # fmt: skip
    verdict = _refusal(overruled, _OVERRULED)
    parts = [
        verdict if overruled else "<p class=yes>No reason found against applying the model to this patient.</p>",
        _remarks(remarks),
        f"<h2>Probability of {_text(outcome['label'])} = {_text(outcome['positive'])}</h2>",
        f"<p class=big>{shown(prediction.probability)}</p><p>{_text(cutoff)}</p>",
        _scale(prediction),
        *(f"<p>{_text(line)}</p>" for line in prediction.interval_lines()),
        _contributions(prediction),
        _list(f"Warning: {warning}" for warning in prediction.warnings),
    ]
    return "".join(parts)


def refusal_page(signature: Signature, findings: Sequence[UnlikeTraining], *, title: str = "") -> str:
    """Return the page of a refused prediction: all reasons, and no probability."""
    return _page(signature, title, refusal_fragment(findings))


def refusal_fragment(findings: Sequence[UnlikeTraining]) -> str:
    """Return the content of a refused prediction's page; see `prediction_fragment`."""
    reasons = [finding for finding in findings if finding.refuses]
    remarks = [finding for finding in findings if not finding.refuses]
    return _refusal(reasons, "No probability is given.") + _remarks(remarks)


def _page(signature: Signature, title: str, content: str) -> str:
    head = _text(f"{title}: {signature.model}" if title else signature.model)
    notice = f"<p><strong>{_text(signature.notice)}</strong></p>" if signature.notice else ""
    use = f"<p class=use>{USE} Not for decisions about care.</p>"
    return (
        f'<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">'
        f"<title>{head}</title><style>{STYLE}</style><main>{use}<h1>{head}</h1>"
        f"<p><small>{_text(signature.study)}</small></p>{notice}{content}{use}</main></html>\n"
    )


def _refusal(reasons: Sequence[UnlikeTraining], sentence: str) -> str:
    listed = "".join(f"<li>{_text(finding.message)}</li>" for finding in reasons)
    return (
        "<div class=no><strong>This patient differs from the patients that the model was trained on. "
        f"{sentence}</strong><ol>{listed}</ol></div>"
    )


def _remarks(remarks: Sequence[UnlikeTraining]) -> str:
    return f"<h2>Look at this first</h2>{_list(one.message for one in remarks)}" if remarks else ""


def _list(lines: Iterable[str]) -> str:
    items = "".join(f"<li>{_text(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def _scale(prediction: Prediction) -> str:
    interval = prediction.interval
    marks = []
    if interval is not None and interval.low is not None and interval.high is not None:
        width = 100 * (interval.high - interval.low)
        marks.append(f"<rect class=range x={100 * interval.low:.2f} width={width:.2f} height=10></rect>")
    marks.append(_line("here", prediction.probability))
    if np.isfinite(prediction.cutoff):
        marks.append(_line("cut", prediction.cutoff))
    return (
        f"<svg class=scale viewBox='0 0 100 10' preserveAspectRatio=none role=img aria-label='Probability on a scale "
        f"from 0 to 1'>{''.join(marks)}</svg><small>0 to 1; line: probability, band: interval, dashed: cut-off</small>"
    )


def _line(name: str, probability: float) -> str:
    return f"<line class={name} x1={100 * probability:.2f} x2={100 * probability:.2f} y2=10></line>"


def _contributions(prediction: Prediction) -> str:
    largest = max((abs(item.log_odds) for item in prediction.contributions), default=0.0) or 1.0
    rows = "".join(_row(item, largest) for item in prediction.contributions)
    head = "<tr><th>term</th><th>value</th><th>log-odds</th><th>raises (blue) or lowers</th></tr>"
    return f"<h2>Contributions to the log-odds</h2><table>{head}{rows}</table>"


def _row(item: Contribution, largest: float) -> str:
    outside = " <strong>(outside the training range)</strong>" if item.outside_training else ""
    width, sign = 100 * abs(item.log_odds) / largest, " minus" if item.log_odds < 0 else ""
    return (
        f"<tr><td>{_text(item.name)}{outside}</td><td class=n>{item.value:.6g}</td>"
        f"<td class=n>{item.log_odds:+.3f}</td>"
        f"<td class=b><svg class='bar{sign}' viewBox='0 0 100 10' preserveAspectRatio=none aria-hidden=true>"
        f"<rect width={width:.1f} height=10></rect></svg></td></tr>"
    )


def _text(text: object) -> str:
    return escape(str(text))
