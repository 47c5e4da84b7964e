"""Common parts of all long series of refits: the key of kept results, a generator per repeat, selected features."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.algorithms import algorithm_key
from radstudy.modelling.models import candidates
from radstudy.modelling.refits.chunks import Arrays, Chunks
from radstudy.modelling.refits.engine import Engine, ModelFit

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


def keyed(chunks: Chunks, engine: Engine, outcome: NDArray[np.int64], **settings: Any) -> Chunks:
    """Return the chunks with a key of everything that refits depend on: models, table, outcome, program, `settings`."""
    key = {
        **settings, "given": chunks.key, "model": engine.protocol.model.model_dump(mode="json"),
        "algorithm": algorithm_key("refits"),
        "candidates": candidates(engine.protocol), "sequences": engine.protocol.sequences,
        "seed": engine.protocol.seed, "models": engine.models, "outcome": outcome, "design": engine.content_hash(),
    }  # fmt: skip
    return replace(chunks, key=key)


class Chosen:
    """Selected features of many fits as flat arrays: their numbers, positions in the design table, coefficients."""

    def __init__(self, engine: Engine) -> None:
        self._place = {str(name): place for place, name in enumerate(engine.design.columns)}
        self._counts: list[int] = []
        self._places: list[int] = []
        self._coefficients: list[float] = []

    def add(self, fit: ModelFit) -> None:
        """Append one fit; the models of the engine take turns."""
        self._counts.append(len(fit.features))
        self._places += [self._place[name] for name in fit.features]
        known = len(fit.coefficients) == len(fit.features)  # a model without a formula has no coefficients
        self._coefficients += fit.coefficients.tolist() if known else [float("nan")] * len(fit.features)

    def arrays(self) -> Arrays:
        """Return the arrays that `names_of` and `coefficients_of` read."""
        return {
            "selected_counts": np.array(self._counts, dtype=np.int64),
            "selected": np.array(self._places, dtype=np.int64),
            "coefficients": np.array(self._coefficients, dtype=np.float64),
        }


def names_of(engine: Engine, arrays: Arrays) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Return for each model the selected names of each fit."""
    columns = [str(name) for name in engine.design.columns]
    return {
        name: tuple(tuple(columns[place] for place in fit) for fit in fits)
        for name, fits in _by_model(engine, arrays, "selected").items()
    }


def coefficients_of(engine: Engine, arrays: Arrays) -> dict[str, tuple[Array, ...]]:
    """Return for each model the coefficients of each fit, in the order of its names."""
    return {name: tuple(fits) for name, fits in _by_model(engine, arrays, "coefficients").items()}


def _by_model(engine: Engine, arrays: Arrays, which: str) -> dict[str, list[NDArray[Any]]]:
    """Return for each model one array per fit; fits are stored one after another, model by model."""
    fits = np.split(arrays[which], np.cumsum(arrays["selected_counts"])[:-1])
    return {name: fits[m :: len(engine.models)] for m, name in enumerate(engine.models)}
