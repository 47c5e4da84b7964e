"""One part of a study's work on images, for several computers on one folder; a run without parts collects the results.

Each volume is prepared and extracted by one part, whichever computer has it, and kept as a run keeps it. So parts may
be done in any order, again, or not at all: the run that collects does what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

from radstudy.errors import CaseError, UsageError
from radstudy.steps.cohort import read_cases
from radstudy.steps.extract import extract_part
from radstudy.steps.prepare import After, prepare_part
from radstudy.steps.run import Run
from radstudy.steps.volumes import volume_tasks

Item = TypeVar("Item")


@dataclass(frozen=True)
class Shard:
    """A part of the work.

    Parameters
    ----------
    number : of this part, from 1.
    count : of all parts.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The part that a command names, such as 2/8.

        Raises
        ------
        UsageError : it is not a number, a slash and a number that is not smaller.
        """
        number, slash, count = text.partition("/")
        plain = all(part.isascii() and part.isdecimal() and len(part) < 7 for part in (number, count))
        if not slash or not plain or not 1 <= int(number) <= int(count):
            raise UsageError(f"--shard takes a part and the number of parts, such as 1/4 to 4/4, not {text!r}")
        return cls(int(number), int(count))

    def __str__(self) -> str:
        """As a command names it."""
        return f"{self.number}/{self.count}"

    def part_of(self, items: Sequence[Item]) -> list[Item]:
        """The items of this part: every count-th, so that neighbours, which are often alike, are shared out."""
        return list(items[self.number - 1 :: self.count])


def do_shard(run: Run, shard: Shard, then: After) -> int:
    """Prepare and extract the volumes of one part, and keep what was computed; no step is finished by that.

    Parameters
    ----------
    run : after the step cohort.
    shard : the part.
    then : the extraction of a volume in memory.

    Returns
    -------
    The number of cases of this part that could not be used; the run that collects reports them with the others.
    """
    tasks = shard.part_of(volume_tasks(read_cases(run), run.protocol.reader))
    if not tasks:
        run.say(f"shard {shard}: nothing to do, there are more parts than volumes")
        return 0
    failures: list[CaseError] = prepare_part(run, tasks, then)
    failures += extract_part(run, tasks)
    run.tell(failures)
    run.say(
        f"shard {shard}: {len(tasks)} volume(s) done; when all parts are, the same command without --shard collects"
    )
    return len(failures)
