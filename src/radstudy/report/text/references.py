"""References of the methods text: each is cited where a sentence that was printed names the method."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from ruamel.yaml import YAML

_LISTED = "references.yaml"


@dataclass(frozen=True)
class CitedWork:
    """One entry of references.yaml.

    Parameters
    ----------
    key : its name.
    sentences : the sentences that may cite it, by name.
    word : regular expression of what is cited; the number is set behind its first match.
    text : as it is listed.
    """

    key: str
    sentences: tuple[str, ...]
    word: str
    text: str


@cache
def references() -> tuple[CitedWork, ...]:
    """All entries of references.yaml, in its order."""
    text = (resources.files("radstudy.report") / _LISTED).read_text(encoding="utf-8")
    return tuple(
        CitedWork(one["key"], tuple(one["sentences"]), one["word"], " ".join(one["text"].split()))
        for one in YAML(typ="safe").load(text)
    )


@dataclass
class Citations:
    """The references of a text, numbered as they are cited.

    Examples
    --------
    >>> citations = Citations()
    >>> citations.cited("delong", "AUCs were compared by DeLong's test.")
    "AUCs were compared by DeLong's [1] test."
    >>> citations.lines()[0][:20]
    '1. DeLong ER, DeLong'
    """

    known: Sequence[CitedWork] = field(default_factory=references)
    _numbers: dict[str, int] = field(default_factory=dict)

    def cited(self, sentence: str, text: str) -> str:
        """A sentence with the numbers of the references that belong to it.

        Parameters
        ----------
        sentence : its name.
        text : as it was printed; "" stays "".
        """
        places: dict[int, list[int]] = {}
        matches = [
            (match.start(), match.end(), one.key)
            for one in self.known
            if sentence in one.sentences and (match := re.search(rf"(?:{one.word})[\w'’-]*", text))
        ]
        for _, end, key in sorted(matches):
            places.setdefault(end, []).append(self._numbers.setdefault(key, len(self._numbers) + 1))
        for end in sorted(places, reverse=True):
            numbers = ", ".join(map(str, sorted(places[end])))
            text = f"{text[:end]} [{numbers}]{text[end:]}"
        return text

    def lines(self) -> list[str]:
        """The references that were cited, with their numbers."""
        texts = {one.key: one.text for one in self.known}
        return [f"{number}. {texts[key]}" for key, number in self._numbers.items()]
