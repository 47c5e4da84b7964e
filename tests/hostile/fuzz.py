"""Damage good files and say how the program ends on each.

    python tests/hostile/fuzz.py --format nii --count 1000 --seed 1 --jobs 2 [--out FOLDER]

Prints a table of endings, one row a format. The inputs of faults are kept in FOLDER/FORMAT, each with a text file of
what was seen; the first five of each fault. The same seed makes the same inputs.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent / "src")]

import numpy as np  # noqa: E402

from hostile.kinds import KINDS, load_kinds  # noqa: E402
from hostile.mutate import mutated  # noqa: E402
from hostile.sandbox import Outcome, Sandbox  # noqa: E402

_KEPT = 5
_TOGETHER = 100


class Fuzzing:
    """The endings of one format's damaged files, counted as they come from several sandboxes."""

    def __init__(self, kind: str, seed: int, out: Path) -> None:
        self.kind, self.seed, self.out = KINDS[kind], seed, out / kind
        self.examples = sorted(self.kind.examples().items())
        self.endings: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self._lock = threading.Lock()

    def input(self, number: int) -> tuple[str, bytes]:
        """The name and content of the damaged file of this number."""
        random = np.random.default_rng([self.seed, number])
        name, good = self.examples[int(random.integers(0, len(self.examples)))]
        return name, mutated(random, good, self.kind.mutators)

    def share(self, numbers: range) -> None:
        """Run some of the inputs in a sandbox."""
        with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
            for begin in range(0, len(numbers), _TOGETHER):
                part = numbers[begin : begin + _TOGETHER]
                inputs = [self.input(number) for number in part]
                files = [Path(folder) / str(number) / name for number, (name, _) in zip(part, inputs, strict=True)]
                for file, (_, content) in zip(files, inputs, strict=True):
                    file.parent.mkdir()
                    file.write_bytes(content)
                outcomes = sandbox.run_all(self.kind.name, files)
                for number, outcome, (name, content) in zip(part, outcomes, inputs, strict=True):
                    self._count(outcome, number, name, content)
                for file in files:
                    shutil.rmtree(file.parent)

    def _count(self, outcome: Outcome, number: int, name: str, content: bytes) -> None:
        with self._lock:
            self.endings[outcome.ending] += 1
            if not outcome.is_fault:
                return
            self.faults[outcome.signature] += 1
            if self.faults[outcome.signature] <= _KEPT:
                self.out.mkdir(parents=True, exist_ok=True)
                kept = self.out / f"{number}_{outcome.ending}_{self.seed}_{name}"
                kept.write_bytes(content)
                kept.with_name(kept.name + ".txt").write_text(f"{outcome.signature}\n\n{outcome.detail}\n")


def main() -> int:
    """Run the formats that were asked for; 1 where there was a fault."""
    load_kinds()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--format", nargs="+", choices=[*KINDS, "all"], default=["all"])
    parser.add_argument("--count", type=int, default=200, help="files of each format")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("faults"))
    asked = parser.parse_args()
    found = 0
    columns = ("ok", "error", "traceback", "unnamed", "code", "crash", "hang", "slow", "memory")
    print("format    ", *(f"{name:>10}" for name in columns), flush=True)
    for kind in KINDS if "all" in asked.format else asked.format:
        fuzzing = Fuzzing(kind, asked.seed, asked.out)
        threads = [
            threading.Thread(target=fuzzing.share, args=(range(job, asked.count, asked.jobs),))
            for job in range(asked.jobs)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lost = asked.count - sum(fuzzing.endings.values())
        print(
            f"{kind:10}", *(f"{fuzzing.endings[name]:>10}" for name in columns), "NOT ALL RUN" * bool(lost), flush=True
        )
        for fault, times in fuzzing.faults.most_common():
            print(f"    {times:6} {fault}", flush=True)
        found += sum(fuzzing.faults.values()) + lost
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
