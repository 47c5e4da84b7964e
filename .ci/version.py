"""Check that the version of the program agrees with git's tag.

    python .ci/version.py

A commit that is tagged vX.Y.Z must say X.Y.Z in src/radstudy/_version.py, and CHANGELOG.md must have a section of it.
Any other commit must say a development version (X.Y.Z.devN) that is later than every release that is tagged.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_RELEASE = re.compile(r"v(\d+)\.(\d+)\.(\d+)")
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(\.dev\d+)?")


def disagreement(version: str, here: list[str], everywhere: list[str], changelog: str) -> str | None:
    """A sentence on what disagrees, or None.

    Parameters
    ----------
    version : of the program.
    here, everywhere : tags of this commit, and of the whole repository; others than vX.Y.Z do not count.
    changelog : text of CHANGELOG.md.
    """
    parts = _VERSION.fullmatch(version)
    if parts is None:
        return f"{version} is neither X.Y.Z nor X.Y.Z.devN"
    releases = [tag for tag in here if _RELEASE.fullmatch(tag)]
    if releases:
        if releases != [f"v{version}"]:
            return f"this commit is tagged {' and '.join(releases)}, and _version.py says {version}"
        if not re.search(rf"^## {re.escape(version)}\b", changelog, re.MULTILINE):
            return f"CHANGELOG.md has no section '## {version}'"
        return None
    if parts[4] is None:
        return f"_version.py says {version}, and this commit is not tagged v{version}: tag it, or say {version}.dev0"
    own = tuple(int(part) for part in parts.groups()[:3])
    earlier = [tuple(int(part) for part in match.groups()) for tag in everywhere if (match := _RELEASE.fullmatch(tag))]
    if earlier and own <= max(earlier):
        last = ".".join(map(str, max(earlier)))
        return f"{version} is not later than v{last}, which is released: say the next one's .dev0"
    return None


def _tags(*options: str) -> list[str]:
    return subprocess.run(["git", "tag", *options], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()


def main() -> None:
    """Compare, and end with 1 if they disagree."""
    text = (ROOT / "src" / "radstudy" / "_version.py").read_text(encoding="utf-8")
    version = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    if version is None:
        sys.exit("src/radstudy/_version.py states no __version__")
    said = disagreement(version[1], _tags("--points-at", "HEAD"), _tags(),
                        (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))  # fmt: skip
    if said:
        sys.exit(said)
    print(f"version {version[1]} agrees with the tags")


if __name__ == "__main__":
    main()
