"""The scripts of the page as one module: a page that is opened from a file may not load modules from others."""

from __future__ import annotations

import re
from importlib import resources

FOLDER = "scripts"
# a file after those that it imports from
ORDER = (
    "elements",
    "finder",
    "tables",
    "patients",
    "cutoff",
    "figures",
    "start",
)
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./\w+\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=function|const|class|async)", re.MULTILINE)


def page_script() -> str:
    """The text of all scripts in order, without the words that join modules; all of their top-level names differ."""
    folder = resources.files("radstudy.report") / FOLDER
    texts = [(folder / f"{name}.js").read_text(encoding="utf-8") for name in ORDER]
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", text)) for text in texts)
