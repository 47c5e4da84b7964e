"""study.yaml to `Protocol`: every setting of a study, checked and frozen, with preset and defaults filled in.

One file per section; `sections.py` puts them together and checks what must hold between them. Where the study file
offers a choice (steps of `model.select` and `prepare`, classifiers of `model.fit`), each is one class in
`selection/`, `prepare/` or `classifiers/` (`kinds.py`): its settings with their reasons for the table of choices, its
sentence for the methods text, its column heading, whether a pooled model makes it again, what it does with missing
values. `shipped.py` reads presets, defaults and lists of features by version (docs/versions.md), `upgrade.py`
compares versions. `fields.py` has every setting as data for forms, `edit.py` changes one in a file's text.
"""

from radstudy.protocol.load import load_protocol
from radstudy.protocol.sections import STEPS, Protocol

__all__ = ["STEPS", "Protocol", "load_protocol"]
