"""Every file of a run, declared once: its columns, their types and units, who writes it and who reads it.

A step writes a table by its declaration (`TableFile.write` refuses columns that are unknown or missing), and every
later step reads it by the same one (`TableFile.read`: a column declared as text stays text). The page
docs/run_folder.md, the JSON Schema beside it and the table of files in ARCHITECTURE.md are made from them.
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
from radstudy.artefacts.run_folder import ARTEFACTS, SCHEMA_VERSION, artefact_of, require_known_schema, write_schema

__all__ = [
    "ARTEFACTS",
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
