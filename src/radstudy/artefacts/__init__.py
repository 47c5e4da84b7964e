"""Every file of a run, declared once: its columns, types and units, and the steps that write and read it.

A step writes a table by its declaration (`TableFile.write` refuses columns that are unknown or missing), and every
later step reads it by the same one (`TableFile.read`: a column declared as text stays text). The page
docs/run_folder.md, its JSON Schema and the table of files in ARCHITECTURE.md are generated from them.
"""

from radstudy.artefacts.declaration import (
    Artefact,
    Column,
    ColumnKind,
    JsonFile,
    OpaqueFile,
    TableFile,
    UndeclaredError,
)
from radstudy.artefacts.run_folder import (
    ARTEFACTS,
    HISTORY,
    SCHEMA_VERSION,
    artefact_of,
    require_known_schema,
    write_schema,
)

__all__ = [
    "ARTEFACTS",
    "HISTORY",
    "SCHEMA_VERSION",
    "Artefact",
    "Column",
    "ColumnKind",
    "JsonFile",
    "OpaqueFile",
    "TableFile",
    "UndeclaredError",
    "artefact_of",
    "require_known_schema",
    "write_schema",
]
