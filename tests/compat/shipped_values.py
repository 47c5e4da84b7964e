"""The values of the shipped presets, defaults and lists of features, one row per setting.

    python tests/compat/shipped_values.py > tests/compat/shipped.csv

Only for a new file, or for a new setting in an old one: a recorded value never changes (docs/versions.md).
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator

from ruamel.yaml import YAML

from radstudy.protocol import shipped

KINDS = ("presets", "defaults", "feature_sets")
Setting = tuple[str, str]  # the file, and the path of the setting in it


def shipped_values() -> dict[Setting, str]:
    """Each setting of each versioned file, as JSON."""
    files = [file for kind in KINDS for file in sorted((shipped.SHIPPED / kind).rglob("*.yaml"))]
    numbered = [file for file in files if file.stem.isdecimal() or file.parent.name == "feature_sets"]
    return {
        (file.relative_to(shipped.SHIPPED).as_posix(), path): json.dumps(value)
        for file in numbered
        for path, value in _settings(YAML(typ="safe").load(file), "")
    }


def _settings(value: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _settings(inner, f"{path}.{name}" if path else str(name))
    else:  # lists whole: their order and length are part of the value
        yield path, value


if __name__ == "__main__":
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["file", "setting", "value"])
    writer.writerows([*setting, value] for setting, value in shipped_values().items())
