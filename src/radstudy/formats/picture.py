"""PNG, JPEG and TIFF images: one page, grey values, and a pixel size only where it can be trusted.

Programs write the resolution of screens and printers (72, 96, 300 dots per inch) into files of which they know nothing
else, and JPEG has no other: such a resolution counts as none.

References
----------
TIFF 6.0, tags 282, 283, 296. PNG (ISO 15948) 11.3.5.3, pHYs. ITU-R BT.601-7, 2.5.1, luma.
"""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from radstudy import bounds
from radstudy.errors import CaseError, TransientError
from radstudy.formats.border import border
from radstudy.formats.pixel_size import FlatImage, PixelSize
from radstudy.formats.reading import content_of

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
LOSSY = (".jpg", ".jpeg")
_KINDS = {"PNG", "JPEG", "TIFF", "MPO"}
_GREY = {"1", "L", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"}
_MM_PER_INCH = 25.4
_SCREENS_AND_PRINTERS = (
    72, 75, 90, 96, 100, 120, 144, 150, 160, 180, 192, 200, 240, 300, 360, 400, 600, 720, 1200, 2400,
)  # fmt: skip
_SAME = 2e-3  # PNG stores whole pixels per metre: 72 dpi becomes 2835
_BITS_PER_SAMPLE, _RESOLUTION, _UNIT, _ORIENTATION, _DESCRIPTION = 258, (282, 283), 296, 274, 270
_IMAGEJ = {"mm": 1.0, "millimeter": 1.0, "cm": 10.0, "inch": 25.4, "um": 1e-3, "micron": 1e-3, "µm": 1e-3,
           "\\u00b5m": 1e-3}  # fmt: skip


def is_picture_name(file: str | Path) -> bool:
    """True if the file name has the suffix of a PNG, JPEG or TIFF image."""
    return str(file).lower().endswith(SUFFIXES)


def read_picture(path: str | Path) -> FlatImage:
    """Read a PNG, JPEG or TIFF image as grey values.

    Colour becomes grey by ITU-R BT.601 (0.299 R + 0.587 G + 0.114 B, rounded, as Pillow's mode L), and a note says so;
    where red, green and blue are equal everywhere, their value is kept.

    Raises
    ------
    CaseError : the file is missing or damaged, has several pages, transparent pixels, 16-bit colour, or has to be
        turned before it is shown.
    """
    file = Path(path)
    if not file.is_file():
        raise TransientError("the file does not exist", "correct the path or add the file", file=file)
    with border(file, "an image", "export it again as PNG or TIFF"), warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        warnings.simplefilter("ignore", UserWarning)  # of metadata that is not needed
        with _opened(file) as image:
            _require_plain(image, file)
            size, says = _stated(image)
            pixels, notes = _grey(image, file)
    return FlatImage(pixels, size, says, notes)


def _opened(file: Path) -> Image.Image:
    image = Image.open(io.BytesIO(content_of(file)))
    if image.format not in _KINDS:
        raise CaseError(f"this is a {image.format} image, not what its name says", "rename or export it", file=file)
    bounds.IMAGE.require(image.width * image.height * 4, file)
    if image.format == "PNG":  # Pillow shows the pixels of a file that is cut off, or whose checksums are wrong
        Image.open(io.BytesIO(content_of(file))).verify()
    return image


def _require_plain(image: Image.Image, file: Path) -> None:
    pages = getattr(image, "n_frames", 1)
    if pages > 1 and image.format != "MPO":  # an MPO is a photograph with its preview
        raise CaseError(f"the image has {pages} pages or frames", "export the one that is meant", file=file)
    turned = image.getexif().get(_ORIENTATION, 1)
    if turned not in (0, 1):
        raise CaseError(
            f"the image has to be turned before it is shown (EXIF orientation {turned}), so masks may not fit it",
            "save it turned", file=file,
        )  # fmt: skip


# --- grey values -------------------------------------------------------------------------------------------------


def _grey(image: Image.Image, file: Path) -> tuple[NDArray[Any], tuple[str, ...]]:
    if image.mode in _GREY:
        pixels = np.asarray(image)
        return (pixels.astype(np.uint8) if pixels.dtype == bool else pixels.astype(pixels.dtype.newbyteorder("="))), ()
    _require_eight_bits(image, file)
    if image.mode == "P" or "transparency" in image.info:
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    if image.mode in ("LA", "RGBA"):
        if np.asarray(image.getchannel("A")).min() < 255:
            raise CaseError(
                "the image has transparent pixels, whose values are not defined",
                "export it without transparency (alpha channel)", file=file,
            )  # fmt: skip
        image = image.convert(image.mode.removesuffix("A"))
    if image.mode == "L":
        return np.asarray(image), ()
    if image.mode != "RGB":
        raise CaseError(f"the image is in the colours {image.mode}", "export it in grey, or as RGB", file=file)
    return grey_of_rgb(np.asarray(image))


def _require_eight_bits(image: Image.Image, file: Path) -> None:
    """Refuse colour of 16 bits, of which Pillow would keep 8 in silence."""
    bits = 8
    if image.format == "PNG":
        bits = content_of(file)[24]  # the header is the first chunk: bit depth follows width and height
    elif image.format == "TIFF":
        bits = max(np.ravel(image.tag_v2.get(_BITS_PER_SAMPLE, 8)).tolist())  # type: ignore[attr-defined]
    if bits > 8:
        raise CaseError(f"the image has colours of {bits} bits", "export it in grey", file=file)


def grey_of_rgb(colours: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Convert colour to grey, with a note unless red, green and blue are equal everywhere.

    Parameters
    ----------
    colours : uint8 (rows, columns, 3).

    Returns
    -------
    uint8 (rows, columns), and the note.

    Examples
    --------
    >>> grey_of_rgb(np.array([[[255, 0, 0], [7, 7, 7]]], np.uint8))[0].tolist()
    [[76, 7]]
    """
    red, green, blue = (colours[..., channel].astype(np.uint32) for channel in range(3))
    if np.array_equal(red, green) and np.array_equal(red, blue):
        return np.ascontiguousarray(colours[..., 0]), ()
    luma = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
    return luma.astype(np.uint8), ("colour converted to grey: 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601)",)


# --- pixel size --------------------------------------------------------------------------------------------------


def _stated(image: Image.Image) -> tuple[PixelSize | None, str]:
    if image.format == "PNG":
        return _by_dpi(image.info.get("dpi"), "pHYs")
    if image.format == "TIFF":
        return _of_tiff(image.tag_v2)  # type: ignore[attr-defined]
    return None, "JPEG files have no place for it"


def _of_tiff(tags: Any) -> tuple[PixelSize | None, str]:
    across, down = (_number(tags.get(tag)) for tag in _RESOLUTION)
    if across is None or down is None:
        return None, "it has no resolution"
    description = str(tags.get(_DESCRIPTION, ""))
    if description.startswith("ImageJ="):
        unit = re.search(r"(?m)^unit=(\S+)", description)
        scale = _IMAGEJ.get(unit.group(1).lower()) if unit else None
        if scale is not None:
            return (scale / across, scale / down), "ImageJ's scale"
        return None, f"ImageJ's unit is {unit.group(1) if unit else 'not set'}"
    unit_of_tag = tags.get(_UNIT, 2)
    if unit_of_tag == 1:
        return None, "its resolution has no unit"
    inches = 1.0 if unit_of_tag == 2 else 2.54
    return _by_dpi((across * inches, down * inches), "TIFF resolution")


def _by_dpi(dpi: Any, where: str) -> tuple[PixelSize | None, str]:
    if dpi is None or len(dpi) != 2 or not all((_number(one) or 0) > 0 for one in dpi):
        return None, "it has no resolution"
    across, down = (float(one) for one in dpi)
    if any(abs(across - usual) <= _SAME * usual for usual in _SCREENS_AND_PRINTERS):
        return None, f"it says {across:.4g} dots per inch, as screens and printers have ({where})"
    return (_MM_PER_INCH / across, _MM_PER_INCH / down), f"its resolution ({where})"


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if np.isfinite(number) and number > 0 else None
