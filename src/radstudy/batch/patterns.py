"""The cases of a folder: images and masks whose names follow patterns, joined by what the patterns have in common."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from radstudy.batch.table import BatchTable
from radstudy.errors import CaseError, DataError, UsageError

_PIECE = re.compile(r"\{(\w+)\}|\*|[^{*]+")
_SHOWN = 3


@dataclass(frozen=True)
class PathPattern:
    """A path below a folder with names in it.

    Parameters
    ----------
    text : such as ``{patient}/mask_{reader}*.nii.gz``; ``{name}`` and ``*`` stand for letters other than ``/``.
    option : that it was given by, for messages.
    """

    text: str
    option: str

    def __post_init__(self) -> None:
        pieces = "".join(piece[0] for piece in _PIECE.finditer(self.text))
        names = self.names
        if pieces != self.text or not names or len(set(names)) != len(names) or "**" in self.text:
            raise UsageError(
                f"{self.option} '{self.text}' is not a pattern: write a path below the folder, with a name in braces "
                "for what differs between cases, each once, such as '{patient}/image.nii.gz', and * for any letters"
            )
        if {"image", "mask", "label"} & {name.lower() for name in names}:
            raise UsageError(f"{self.option}: choose other names than image, mask and label")

    @property
    def names(self) -> list[str]:
        """The names in it, in their order."""
        return [piece[1] for piece in _PIECE.finditer(self.text) if piece[1]]

    @property
    def literal(self) -> int:
        """Number of letters that are given: of two patterns that fit a file, the one with more is meant."""
        return sum(len(piece[0]) for piece in _PIECE.finditer(self.text) if not piece[1] and piece[0] != "*")

    def match(self, path: str) -> dict[str, str] | None:
        """The names' values in a path; None if it does not fit."""
        parts = [f"(?P<{piece[1]}>[^/]+)" if piece[1] else "[^/]*" if piece[0] == "*" else re.escape(piece[0])
                 for piece in _PIECE.finditer(self.text)]  # fmt: skip
        fits = re.fullmatch("".join(parts), path)
        return None if fits is None else fits.groupdict()


def cases_in_folder(folder: Path, image_pattern: str, mask_pattern: str) -> BatchTable:
    """List the cases of a folder: one per mask. An image without a mask, and a mask without an image, is a case, too.

    Parameters
    ----------
    folder : searched with its subfolders, sorted by name.
    image_pattern, mask_pattern : see `PathPattern`. A mask belongs to the images that have the same values of all
        names that both patterns contain.

    Raises
    ------
    UsageError : a pattern is not one, or the two have no name in common; the folder does not exist.
    DataError : no file fits the image's pattern; several images fit one mask's names.
    """
    image, mask = PathPattern(image_pattern, "--image-pattern"), PathPattern(mask_pattern, "--mask-pattern")
    common = [name for name in image.names if name in mask.names]
    if not common:
        raise UsageError(
            f"--image-pattern '{image.text}' and --mask-pattern '{mask.text}' have no name in common, so nothing says "
            "which mask belongs to which image: use the same {name} in both"
        )
    if image.literal == mask.literal and image.text == mask.text:
        raise UsageError("--image-pattern and --mask-pattern are the same")
    if not folder.is_dir():
        raise UsageError(f"--batch {folder} is not a folder. To do: correct the path, or give a table without patterns")
    files = sorted(_files_below(folder))
    images, masks = _sorted_out(files, image, mask)
    if not images:
        shown = ", ".join(files[:_SHOWN]) or "none"
        raise DataError(
            f"{folder}: no file fits --image-pattern '{image.text}'. Files there: {shown}"
            f"{', ...' if len(files) > _SHOWN else ''}. To do: correct the pattern"
        )
    return _joined(folder, image, mask, common, images, masks)


Fitting = list[tuple[str, dict[str, str]]]  # paths with the values of their names


def _files_below(folder: Path) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from ((Path(place) / name).relative_to(folder).as_posix() for name in names)


def _sorted_out(files: list[str], image: PathPattern, mask: PathPattern) -> tuple[Fitting, Fitting]:
    images: Fitting = []
    masks: Fitting = []
    for file in files:
        as_image, as_mask = image.match(file), mask.match(file)
        if as_image is not None and as_mask is not None and image.literal == mask.literal:
            raise UsageError(f"{file} fits both patterns: write more of the name of one of them")
        if as_mask is not None and (as_image is None or mask.literal > image.literal):
            masks.append((file, as_mask))
        elif as_image is not None:
            images.append((file, as_image))
    return images, masks


def _joined(
    folder: Path, image: PathPattern, mask: PathPattern, common: list[str], images: Fitting, masks: Fitting
) -> BatchTable:
    names = [*image.names, *(name for name in mask.names if name not in image.names)]
    of_image: dict[tuple[str, ...], Fitting] = {}
    for file, values in masks:
        of_image.setdefault(tuple(values[name] for name in common), []).append((file, values))
    rows: list[tuple[str, ...]] = []
    problems: list[tuple[int, CaseError]] = []
    seen: dict[tuple[str, ...], str] = {}
    for file, values in images:
        key = tuple(values[name] for name in image.names)
        if key in seen:
            raise DataError(f"{folder}: {seen[key]} and {file} are both the image of {', '.join(key)}. To do: make "
                            "--image-pattern fit one of them")  # fmt: skip
        seen[key] = file
        own = of_image.get(tuple(values[name] for name in common), [])
        for drawn, more in own or [("", {})]:
            cells = {**more, **values}
            if not drawn:
                remedy = f"add one that fits '{mask.text}', or remove the image"
                problems.append((len(rows), CaseError("the image has no mask", remedy, file=folder / file)))
            rows.append((*(cells.get(name, "") for name in names), file, drawn))
    used = {tuple(values[name] for name in common) for _, values in images}
    for key, alone in of_image.items():
        for file, values in alone if key not in used else []:
            remedy = f"add one that fits '{image.text}', or remove the mask"
            problems.append((len(rows), CaseError("the mask has no image", remedy, file=folder / file)))
            rows.append((*(values.get(name, "") for name in names), "", file))
    columns = (*names, "Image", "Mask")
    return BatchTable(folder, columns, tuple(rows), (), folder, problems=tuple(problems))
