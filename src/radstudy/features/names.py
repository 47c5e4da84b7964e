"""PyRadiomics' names of the derived images and features of an extraction, and their number."""

from __future__ import annotations

from radstudy.catalogue import SHAPES
from radstudy.features.settings import ExtractionSettings, ImageType


def image_names(settings: ExtractionSettings) -> list[str]:
    """Return the names of the derived images in order: "original", "log-sigma-1-0-mm-3D", "wavelet-LLH", ..."""
    return [name for image_type in settings.image_types for name in names_of_image_type(settings, image_type)]


def names_of_image_type(settings: ExtractionSettings, image_type: ImageType) -> list[str]:
    """Return the names of one image type's images, as PyRadiomics writes them.

    An integer sigma keeps its form: 1 becomes ``log-sigma-1-mm-3D``, 1.0 becomes ``log-sigma-1-0-mm-3D``.
    """
    own = settings.for_image_type(image_type)
    if image_type.name == "LoG":
        return [f"log-sigma-{str(sigma).replace('.', '-')}-mm-3D" for sigma in own.sigma]
    if image_type.name == "Wavelet":
        return wavelet_image_names(own.level, 2 if own.force_2d else 3)
    if image_type.name == "LBP2D":
        return ["lbp-2D"]
    if image_type.name == "LBP3D":
        return [*(f"lbp-3D-m{level}" for level in range(1, own.lbp_3d_levels + 1)), "lbp-3D-k"]
    return [image_type.name.lower()]


def wavelet_image_names(level: int, axes: int) -> list[str]:
    """Return the names of the sub-bands of `level` decompositions, details first, the approximation last."""
    bands = [""]
    for _ in range(axes):
        bands = [band + letter for band in bands for letter in "LH"]
    prefix = ["wavelet" if number == 1 else f"wavelet{number}" for number in range(1, level + 1)]
    return [f"{name}-{band}" for name in prefix for band in bands[1:]] + [f"{prefix[-1]}-{bands[0]}"]


def feature_names(settings: ExtractionSettings) -> list[str]:
    """Return every feature's name in PyRadiomics' order, without computing anything.

    Examples
    --------
    >>> from radstudy.features.of_study import her2_ihc2plus
    >>> len(feature_names(her2_ihc2plus()))
    1218
    """
    classes = settings.feature_classes
    shapes = [f"original_{kind}_{name}" for kind in SHAPES for family, names in classes if family == kind
              for name in names]  # fmt: skip
    grey = [(family, name) for family, names in classes if family not in SHAPES for name in names]
    return shapes + [f"{image}_{family}_{name}" for image in image_names(settings) for family, name in grey]


def explain_count(settings: ExtractionSettings) -> str:
    """Explain the number of features in one line.

    Examples
    --------
    >>> from radstudy.features.of_study import her2_ihc2plus
    >>> explain_count(her2_ihc2plus())
    '14 shape + 14 images x 86 (firstorder 18, glcm 22, glrlm 16, glszm 16, gldm 14) = 1,218 features'
    """
    shapes = {family: len(names) for family, names in settings.feature_classes if family in SHAPES}
    grey = [(family, len(names)) for family, names in settings.feature_classes if family not in SHAPES]
    images = len(image_names(settings))
    each = sum(count for _, count in grey)
    parts = [f"{count} {family}" for family, count in shapes.items()]
    if grey:
        listed = ", ".join(f"{family} {count}" for family, count in grey)
        parts.append(f"{images} image{'s' if images != 1 else ''} x {each} ({listed})")
    return f"{' + '.join(parts) or 'nothing'} = {sum(shapes.values()) + images * each:,} features"
