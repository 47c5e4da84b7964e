"""The study's image files, each with all the masks drawn on it: the unit that a step reads at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from radstudy.artefacts.records.volume import PreparedVolume
from radstudy.cohort.case_files import Case, MaskOrigin
from radstudy.errors import CaseError, TransientError
from radstudy.file_names import usual
from radstudy.formats.reading import changed, digests_of, hash_of, recorded
from radstudy.imaging.masks.formats import files_of_mask
from radstudy.imaging.roi import Label, Roi
from radstudy.imaging.volume import Volume
from radstudy.store import content_hash

Result = TypeVar("Result")
Digests = Mapping[Path, Mapping[Path, str]]  # image or mask to the hash of each file that it consists of
_TRIES = 3
LabelRule = Label | None  # "lesion" is the label that the row's lesion number names


@dataclass(frozen=True)
class ReaderMask:
    """One reader's mask of one lesion.

    Parameters
    ----------
    patient, lesion, reader : the lesion, and who drew it.
    mask : its file.
    transfer : the image that it was drawn on, if not this one.
    """

    patient: str
    lesion: str
    reader: str
    mask: Path
    transfer: MaskOrigin | None = None

    def files_hash(self, digests: Digests) -> list[Any]:
        """Hashes of the files that the mask is made from."""
        drawn_on = None
        if self.transfer is not None:
            drawn_on = [self.transfer.sequence, hash_of(digests[self.transfer.image])]
        return [self.patient, self.lesion, self.reader, hash_of(digests[self.mask]), drawn_on]

    def label(self, rule: LabelRule) -> Label | None:
        """The label of this lesion in the mask, by the study file's rule."""
        if rule != "lesion":
            return rule
        if not self.lesion.isdigit():
            raise CaseError(
                f"the lesion's number '{self.lesion}' is not a label", "number the lesions as their labels in the masks"
            )
        return int(self.lesion)

    def roi_on(self, volume: Volume, rule: LabelRule) -> Roi:
        """The mask on the prepared image's grid.

        Raises
        ------
        CaseError : the mask cannot be read, does not have this label, or lies on another grid.
        """
        label = self.label(rule) if self.transfer is None else None  # a transferred mask has one label
        return Roi.read(self.mask, label, volume, reader=self.reader)


@dataclass(frozen=True)
class VolumeTask:
    """One image file with all the masks drawn on it: it is read once for all of them.

    Parameters
    ----------
    image, sequence : the file and its role.
    drawings : the masks, the first reader's first.
    name : of the volume's files in the steps' folders.
    reference : mask of the reference tissue, if the preparation needs one.
    prepared_from : file to the hash that it had when the volume was prepared, if that is known.
    """

    image: Path
    sequence: str
    drawings: tuple[ReaderMask, ...]
    name: str
    reference: Path | None = None
    prepared_from: Mapping[Path, str] = field(default_factory=dict)

    @property
    def patient(self) -> str:
        """The patient whose image it is."""
        return self.drawings[0].patient

    def digests(self) -> dict[Path, dict[Path, str]]:
        """Image or mask to the current hash of each file that it consists of; each file is read once."""
        images = [self.image, *(drawing.transfer.image for drawing in self.drawings if drawing.transfer)]
        masks = [*([self.reference] if self.reference else []), *(drawing.mask for drawing in self.drawings)]
        hashes = {file: digests_of(file) for file in dict.fromkeys(images)}
        return hashes | {file: digests_of(file, files_of_mask) for file in dict.fromkeys(masks) if file not in hashes}

    def files_hash(self, digests: Digests) -> str:
        """Hash of the image's and the masks' contents.

        Parameters
        ----------
        digests : as `digests` returns them.
        """
        masks = [drawing.files_hash(digests) for drawing in self.drawings]
        reference = hash_of(digests[self.reference]) if self.reference else None
        return content_hash([self.sequence, hash_of(digests[self.image]), masks, reference])

    def record_in(self, folder: Path) -> Path:
        """The file in a step's folder that keeps the step's results for the volume."""
        return folder / "volumes" / f"{self.name}.json"

    def key(self, work: str, record: PreparedVolume) -> str:
        """The key of the results computed from the prepared volume.

        Parameters
        ----------
        work : key of the computation and its settings.
        record : the preparation's record of the volume.
        """
        drawn = [[d.patient, d.lesion, d.reader] for d in self.drawings]  # a mask may be confirmed later
        return content_hash([work, record.key, drawn])


def volume_tasks(cases: Sequence[Case], first_reader: str) -> list[VolumeTask]:
    """Group the cases by image file (and by reference mask, since another one prepares the image in another way)."""
    drawings_of: dict[tuple[Path, str, Path | None], list[ReaderMask]] = {}
    for case in cases:
        drawings = drawings_of.setdefault((case.image, case.sequence, case.reference), [])
        if case.transfer is not None:
            drawings.append(ReaderMask(case.patient, case.lesion, first_reader, case.transfer.mask, case.transfer))
        drawings += [ReaderMask(case.patient, case.lesion, reader, path) for reader, path in case.masks]
    return [
        VolumeTask(
            image, sequence, tuple(drawings), f"{drawings[0].patient}_{drawings[0].lesion}_{sequence}", reference
        )
        for (image, sequence, reference), drawings in drawings_of.items()
    ]


def clashing(cases: Sequence[Case], *, ignoring_case: bool) -> list[str]:
    """A sentence on each lesion whose files in the run's folder would have the names of another one's.

    Patient ``a_1`` with lesion ``2`` and patient ``a`` with lesion ``1_2`` are ``a_1_2`` both; patients ``a1`` and
    ``A1`` are the same file where capitals do not count.

    Parameters
    ----------
    cases : of the cohort.
    ignoring_case : True if they do not count in the run's folder; see `radstudy.store.ignores_case`.
    """
    said: dict[str, None] = {}
    owners: dict[str, Case] = {}
    for case in cases:
        name = f"{case.patient}_{case.lesion}_{case.sequence}"
        first = owners.setdefault(usual(name) if ignoring_case else name, case)
        if (first.patient, first.lesion, first.sequence) != (case.patient, case.lesion, case.sequence):
            why = "where capitals make no difference, as on the run's disk, " if ignoring_case else ""
            both = f"patient {first.patient}, lesion {first.lesion} and patient {case.patient}, lesion {case.lesion}"
            said.setdefault(
                f"{both}: {why}their files in the run would have the same name ({name}). To do: change one of the "
                "identifiers"
            )
    return list(said)


def flat(digests: Digests) -> dict[Path, str]:
    """Every file to its hash."""
    return {file: digest for parts in digests.values() for file, digest in parts.items()}


def of_same_bytes(
    task: VolumeTask, digests: Digests, work: Callable[[Digests], Result]
) -> tuple[Result, Digests]:  # fmt: skip
    """Do work that reads a volume's files; its result, or its error, belongs to the bytes of the returned hashes.

    Parameters
    ----------
    task : the volume.
    digests : of its files, taken before.
    work : reads the files; receives the hashes under which its result would be kept. Called again if the files have
        changed in between.

    Raises
    ------
    TransientError : the files change again and again, or cannot be used as they are after a change.
    Exception : from `work`, if the files are those that were hashed.
    """
    hashed = digests
    for _ in range(_TRIES):
        with recorded() as reading:
            try:
                result = work(digests)
            except Exception as error:
                if reading.is_of(flat(digests)) and not reading.changed:
                    if digests != hashed and isinstance(error, CaseError):  # not of the files that the run started with
                        raise _again(error) from error
                    raise
            else:
                if reading.is_of(flat(digests)):
                    return result, digests
        digests = task.digests()
    raise changed(task.image)


def _again(error: CaseError) -> TransientError:
    """A transient error for files that changed since the run began: the next run reads them again."""
    return TransientError(
        error.problem, error.remedy, patient=error.patient, lesion=error.lesion, sequence=error.sequence,
        reader=error.reader, file=error.file,
    )  # fmt: skip


@contextmanager
def as_prepared(task: VolumeTask) -> Iterator[None]:
    """Read a prepared volume's files again; at the end, refuse files other than those it was prepared from.

    Raises
    ------
    TransientError : a file has changed; the error names the first.
    """
    with recorded() as reading:
        yield
    for file, digest in reading.digests.items():
        if task.prepared_from.get(file, digest) != digest:
            raise TransientError(
                "the file changed after the volume was prepared from it", "give the same command again", file=file
            )
