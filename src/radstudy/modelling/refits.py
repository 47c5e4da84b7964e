"""What every long row of refits of the same models shares: what its kept chunks depend on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.modelling.chunks import Chunks
from radstudy.modelling.engine import Engine
from radstudy.store import code_key


def keyed(chunks: Chunks, engine: Engine, outcome: NDArray[np.int64], **settings: Any) -> Chunks:
    """The chunks under a key that holds what refits depend on: models, table, outcome, program and `settings`."""
    key = {
        **settings, "given": chunks.key, "model": engine.protocol.model.model_dump(mode="json"), "code": code_key(),
        "seed": engine.protocol.seed, "models": engine.models, "outcome": outcome, "design": engine.content_hash(),
    }  # fmt: skip
    return replace(chunks, key=key)
