"""Writing the provenance bundle of a run."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from ruamel.yaml import YAML

from radstudy._version import __version__
from radstudy.algorithms import VERSIONS
from radstudy.artefacts import SCHEMA_VERSION
from radstudy.artefacts.declaration import STEP_FOLDERS
from radstudy.artefacts.pages import json_schema
from radstudy.bugs import LOG
from radstudy.protocol.yaml_text import parse_yaml, plain
from radstudy.provenance import PROVENANCE
from radstudy.steps.bundle.data import data_files, data_hashes
from radstudy.steps.bundle.paths import without_places
from radstudy.steps.cohort import read_cases
from radstudy.steps.run import Run
from radstudy.store import read_json, write_bytes
from radstudy.streams import Stream

BUNDLE_FILE = "study_bundle.zip"
STUDY, SETTINGS, DATA, SEEDS = "study.yaml", "settings.json", "data.json", "seeds.json"
ENVIRONMENT, ALGORITHMS, RUN_FOLDER, RUN_LOG, README = (
    "environment.json", "algorithms.json", "run_folder.schema.json", "log.txt", "README.txt",
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_DATE = (2026, 1, 1, 0, 0, 0)  # of every file: the same study must give the same bytes
_WORDS = """This is what radstudy needs to repeat a study, except for the patients' data.

  radstudy run {bundle} --data FOLDER --out NEW

runs it again. FOLDER holds the data as they were: the program compares their hashes first.

study.yaml               the study file; paths start from the folder of data
settings.json            all settings in force, defaults included
data.json                hashes of the data by their role; cohort_hash is one hash of all of them
seeds.json               the study's seed and the streams of random numbers that are drawn from it
environment.json         versions of Python and its packages, and the machine, by step
algorithms.json          versions of the algorithms
run_folder.schema.json   every file of a run's folder and its columns
log.txt                  when each step was finished, and how long it took
"""


def write_bundle(run: Run) -> None:
    """Write the bundle of a run that has finished its evaluation, next to its report."""
    files = data_files(run.protocol, run.data, read_cases(run), known=run.digests, jobs=run.jobs)
    hashes = data_hashes(files)
    records = {step: read_json(file) for step in STEP_FOLDERS
               if step != "report" and (file := run.out / step / PROVENANCE).is_file()}  # fmt: skip
    seeds = {"seed": run.protocol.seed, "streams": {stream.name: int(stream) for stream in Stream}}
    settings = without_places(run.protocol.model_dump(mode="json", by_alias=True), run.data)
    contents = {
        README: _WORDS.format(bundle=BUNDLE_FILE),
        STUDY: _study_text(run),
        SETTINGS: _json(settings),
        DATA: _json({"cohort_hash": hashes.cohort_hash, **hashes.as_json()}),
        SEEDS: _json(seeds),
        ENVIRONMENT: _json(_environment(records)),
        ALGORITHMS: _json({"radstudy": __version__, "run_folder_schema": SCHEMA_VERSION, "algorithms": VERSIONS}),
        RUN_FOLDER: _json(json_schema()),
        RUN_LOG: _log(run, records),
    }
    write_bytes(run.out / BUNDLE_FILE, _zipped(contents))


def _study_text(run: Run) -> str:
    """The study file as it was written, without comments; its settings if its text is not known.

    Without `evaluate.sealed`: the results that the bundle repeats are open.
    """
    if run.written:
        settings = plain(parse_yaml(run.written, STUDY))
    else:
        settings = run.protocol.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if run.protocol.evaluate.sealed:
        settings = {**settings, "evaluate": {k: v for k, v in settings["evaluate"].items() if k != "sealed"}}
    memory = io.StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.dump(without_places(settings, run.data), memory)
    return memory.getvalue()


def _environment(records: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The versions and the machine that each step's results were computed with, and the packages of this run."""
    steps = {step: {name: record.get(name) for name in ("code", "versions", "machine")}
             for step, record in records.items()}  # fmt: skip
    return {"steps": steps, "packages": _packages()}


def _packages() -> dict[str, str]:
    """The installed packages that the program needs, directly or through another one, with their versions."""
    versions: dict[str, str] = {}
    due = ["radstudy"]
    while due:
        name = due.pop()
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # of an extra that is not installed, or of another platform
            continue
        versions[name] = package.version
        needed = {name.lower() for one in package.requires or () for name in _NAME.findall(one)[:1]}
        due += sorted(needed - set(versions) - set(due))
    return dict(sorted(versions.items()))


def _log(run: Run, records: Mapping[str, Mapping[str, Any]]) -> str:
    """The times of the steps, and the errors that the run met."""
    lines = [f"{record.get('finished')}  {step}: done in {record.get('seconds')} s" for step, record in records.items()]
    log = run.out / LOG
    met = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else "No unexpected error.\n"
    return "\n".join([*lines, "", met])


def _json(content: object) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _zipped(contents: Mapping[str, str]) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(contents):
            target.writestr(zipfile.ZipInfo(name, _DATE), contents[name].encode("utf-8"), zipfile.ZIP_DEFLATED)
    return memory.getvalue()
