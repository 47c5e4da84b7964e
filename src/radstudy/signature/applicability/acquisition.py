"""Scanners and acquisitions unlike those of the training images, as far as both imports recorded them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from radstudy.signature.applicability.finding import NOT_CHECKED, UnlikeTraining
from radstudy.signature.applicability.seen import Seen
from radstudy.signature.training import WIDENED

_FACTORS = {"field_strength_t": 1.1, "repetition_time_ms": 1.25, "echo_time_ms": 1.25, "inversion_time_ms": 1.25,
            "b_value": 1.1}  # fmt: skip
_WORDS = {"field_strength_t": "a field strength of {} T", "repetition_time_ms": "a repetition time of {} ms",
          "echo_time_ms": "an echo time of {} ms", "inversion_time_ms": "an inversion time of {} ms",
          "b_value": "a b-value of {} s/mm2", "seconds_since_first_phase": "a time of {} s after the first phase",
          "manufacturer": "the manufacturer {}", "model": "the scanner {}", "acquisition_type": "a {} acquisition",
          "plane": "the plane {}", "contrast_agent": "the contrast agent {}"}  # fmt: skip
_LEAST_S = 20.0  # by which the time of a phase may always exceed the training range


def check_acquisition(
    seen: Mapping[str, Seen], training: Mapping[str, Mapping[str, Any]] | None
) -> Iterator[UnlikeTraining]:
    """Find acquisitions unlike those of the training images, as far as both imports recorded them.

    Parameters
    ----------
    seen : sequence to the facts read from its files.
    training : the part ``acquisition`` of the signature; None if it has none.
    """
    for sequence, one in seen.items():
        known = (training or {}).get(sequence)
        if known is None:
            continue
        if one.acquisition is None:
            yield UnlikeTraining(
                NOT_CHECKED, sequence,
                f"the acquisition of {sequence} was not checked: no 'radstudy import' wrote {one.image}, so its field "
                "strength and times are not known",
                False,
            )  # fmt: skip
            continue
        own = one.acquisition.as_json()
        yield from _acquired_numbers(sequence, own, known["ranges"])
        yield from _acquired_texts(sequence, own, known["values"])


def _acquired_numbers(
    sequence: str, own: Mapping[str, Any], ranges: Mapping[str, Mapping[str, float]]
) -> Iterator[UnlikeTraining]:
    for name, had in ranges.items():
        value = own.get(name)
        if value is None or name not in _WORDS:
            continue
        low, high = had["low"], had["high"]
        factor = _FACTORS.get(name)
        aside = max(WIDENED * (high - low), _LEAST_S)
        bounds = (low - aside, high + aside) if factor is None else (low / factor, high * factor)
        if not bounds[0] <= value <= bounds[1]:
            yield UnlikeTraining(
                "acquisition", sequence,
                f"{sequence} has {_WORDS[name].format(f'{value:g}')}; training had {low:g} to {high:g}, and less than "
                f"{bounds[0]:.4g} or more than {bounds[1]:.4g} is refused",
                True, float(value), low, high, *bounds,
            )  # fmt: skip


def _acquired_texts(
    sequence: str, own: Mapping[str, Any], values: Mapping[str, Sequence[str]]
) -> Iterator[UnlikeTraining]:
    for name, had in values.items():
        value = own.get(name)
        if value and name in _WORDS and value not in had:
            yield UnlikeTraining(
                "acquisition", sequence,
                f"{sequence} has {_WORDS[name].format(value)}; training had {', '.join(had)}",
                False,
            )  # fmt: skip
