"""Write the bill of materials of a wheel (CycloneDX), check its licences, and ask for known vulnerabilities.

    python .ci/materials.py WHEEL FOLDER

The wheel is installed with the newest dependencies into an empty environment, so that the list has what a user gets.
Needs a package index. Ends with 1 if the bill is not valid CycloneDX, a package is missing from it, a licence is
refused, or a vulnerability is known. Where no database of vulnerabilities answers, that is said, and is not an error.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_SPEC = "1.6"


def environment(folder: Path, *packages: str) -> Path:
    """Create an environment with these packages; return its Python."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, *packages], check=True)
    return python


def bill(tools: Path, program: Path, file: Path) -> int:
    """Write the bill of an environment, validated; return how many packages it lists.

    Raises
    ------
    SystemExit : a package of the environment is missing.
    """
    own = ROOT / "pyproject.toml"
    options = ["--spec-version", _SPEC, "--output-reproducible", "--validate", "--mc-type", "application",
               "--pyproject", str(own), "--output-format", "JSON", "--output-file", str(file)]  # fmt: skip
    subprocess.run([str(tools.with_name("cyclonedx-py")), "environment", *options, str(program)], check=True)
    written = json.loads(file.read_text(encoding="utf-8"))
    listed = {re.sub(r"[-_.]+", "-", part["name"]).lower() for part in written["components"]}
    asked = "import runpy; print(*runpy.run_path(r'{}')['needed']('radstudy'))".format(ROOT / ".ci" / "licences.py")
    needed = subprocess.run([str(program), "-c", asked], check=True, capture_output=True, text=True).stdout.split()
    missing = sorted(set(needed) - listed)
    if missing or written["metadata"]["component"]["name"] != "radstudy":
        raise SystemExit(f"the bill of materials is not of radstudy, or lacks {', '.join(missing)}")
    return len(listed)


def audited(tools: Path, program: Path) -> str:
    """A sentence on known vulnerabilities.

    Raises
    ------
    SystemExit : some are known.
    """
    where = subprocess.run([str(program), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
                           check=True, capture_output=True, text=True).stdout.strip()  # fmt: skip
    said = ""
    for service in ("pypi", "osv"):
        asked = subprocess.run([str(tools.with_name("pip-audit")), "--path", where, "--vulnerability-service", service,
                                "--progress-spinner", "off", "--timeout", "20", "--format", "json"],
                               check=False, capture_output=True, text=True)  # fmt: skip
        try:
            answer = json.loads(asked.stdout)["dependencies"]
        except (ValueError, KeyError):
            said += f" {service}: {(asked.stderr.strip().splitlines() or ['no answer'])[-1][:200]}."
            continue
        known = [f"{one['name']} {one['version']}: {bug['id']}" for one in answer for bug in one.get("vulns", [])]
        if known:
            raise SystemExit("known vulnerabilities: " + "; ".join(known))
        skipped = [one["name"] for one in answer if "skip_reason" in one and one["name"] != "radstudy"]
        if not skipped:
            return f"{len(answer)} packages, no known vulnerability ({service})"
        said += f" {service}: {len(skipped)} packages were not found there, such as {skipped[0]}."
    return f"NOT audited: no database of vulnerabilities answered.{said}"


def main() -> None:
    """Install, write, check, ask."""
    wheel, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="radstudy-materials-") as work:
        tools = environment(Path(work) / "tools", "cyclonedx-bom[json-validation]", "pip-audit")
        program = environment(Path(work) / "program", str(wheel))
        file = folder / f"radstudy-{wheel.name.split('-')[1]}.cdx.json"
        print(f"{file.name}: {bill(tools, program, file)} packages, CycloneDX {_SPEC}, valid", flush=True)
        subprocess.run([str(program), str(ROOT / ".ci" / "licences.py")], check=True)
        print(audited(tools, program))


if __name__ == "__main__":
    main()
