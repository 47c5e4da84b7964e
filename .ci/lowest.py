"""Install this checkout into a virtual environment with the lowest versions that pyproject.toml allows.

    python .ci/lowest.py VENV EXTRA[,EXTRA] [WHEEL]

A wheel, if one is named, is installed instead of the checkout, with the lowest versions that have wheels for this
Python (numba 0.60 cannot even be built for 3.13); EXTRA may be empty ("").

uv resolves them (`--resolution lowest-direct`). It does not read pip's configuration, so that the package index,
further indexes, folders of wheels and certificate are taken from there at run time; like pip it takes the best version
of all indexes.
"""

from __future__ import annotations

import ast
import email
import os
import subprocess
import sys
import zipfile
from pathlib import Path

_WHEELS = ("--only-binary", ":all:")
_OPTIONS = {"index-url": "--default-index", "extra-index-url": "--index", "find-links": "--find-links"}


def settings_of_pip(pip: list[str]) -> dict[str, str]:
    """What pip is configured with, by the option's name: environment before user's before machine's file."""
    listed = subprocess.run([*pip, "config", "list"], check=True, capture_output=True, text=True).stdout
    settings: dict[str, str] = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        place, _, option = name.strip(":").rpartition(".")
        if option in ("index-url", "extra-index-url", "find-links", "cert") and (
            option not in settings or place == ":env:"
        ):
            settings[option] = str(ast.literal_eval(value))
    return settings


def arguments_of_uv(settings: dict[str, str]) -> list[str]:
    """Package sources of pip as options of uv; local folders that do not exist are left out."""
    arguments = []
    for option, of_uv in _OPTIONS.items():
        for source in settings.get(option, "").split():
            local = source.removeprefix("file://")
            if local.startswith("/") and not Path(local).exists():
                continue
            arguments += [of_uv, source]
    return arguments


def required(wheel: Path) -> list[str]:
    """What a wheel requires, without its extras: named beside it, because uv takes the lowest only of what is named."""
    with zipfile.ZipFile(wheel) as opened:
        name = next(name for name in opened.namelist() if name.endswith(".dist-info/METADATA"))
        about = email.message_from_bytes(opened.read(name))
    return [line for line in about.get_all("Requires-Dist", []) if "extra ==" not in line]


def main() -> None:
    """Install."""
    environment, extras = Path(sys.argv[1]), sys.argv[2]
    which = f"[{extras}]" if extras else ""
    wanted = (
        [f"{sys.argv[3]}{which}", *required(Path(sys.argv[3])), *_WHEELS]
        if len(sys.argv) > 3
        else ["--editable", f".{which}"]
    )
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    settings = settings_of_pip([str(python), "-m", "pip"])
    variables = dict(os.environ)
    if "cert" in settings:
        variables.setdefault("SSL_CERT_FILE", settings["cert"])
    subprocess.run(
        [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(python), "--resolution",
         "lowest-direct", "--index-strategy", "unsafe-best-match", *arguments_of_uv(settings), *wanted],
        check=True, env=variables,
    )  # fmt: skip


if __name__ == "__main__":
    main()
