"""The appearance of a breast lesion on each sequence: tissues, texture, partial volume, bias field and noise.

Brightness, shape, rim, necrosis and oedema are drawn without regard to the outcome. The latent score of the sequence
only divides a texture of fixed contrast between a coarse and a fine field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, special

from radstudy.demo.latent import texture_of
from radstudy.demo.lesion import Field, PhantomLesion, smooth_noise


@dataclass(frozen=True)
class Sequence:
    """One MRI sequence of the protocol, as simulated. Intensities are arbitrary units before the bias field.

    Parameters
    ----------
    spacing_mm : voxel size in plane (two axes) and the slice thickness.
    fat, gland, skin, vessel, node, lesion, necrosis : brightness of the tissues (air is 0).
    oedema : added around an oedematous lesion.
    contrast : SD of the lesion's texture as a share of its brightness.
    fine_mm, coarse_mm : smoothing SDs of the two texture fields.
    rim : by how much the edge of a rim-enhancing lesion is brighter than its centre, as a share of its brightness.
    noise : SD of the Gaussian noise in each receiver channel (Rician in the magnitude image).
    """

    spacing_mm: tuple[float, float, float]
    fat: float
    gland: float
    skin: float
    vessel: float
    node: float
    lesion: float
    necrosis: float
    oedema: float
    contrast: float
    fine_mm: float
    coarse_mm: float
    rim: float
    noise: float


# The preset's voxel sizes: FOV / matrix in plane, slice thickness (PROTOCOL of the reference study, 1.5 T).
PROTOCOL = {
    "T2WI": Sequence(
        (340 / 320, 340 / 320, 4.0), fat=150, gland=270, skin=200, vessel=520, node=700,
        lesion=330, necrosis=560, oedema=170,
        contrast=0.22, fine_mm=1.6, coarse_mm=4.5, rim=0.0, noise=12,
    ),
    "DWI": Sequence(
        (340 / 128, 159 / 60, 4.0), fat=62, gland=95, skin=70, vessel=60, node=340,
        lesion=190, necrosis=110, oedema=12,
        contrast=0.25, fine_mm=2.2, coarse_mm=6.0, rim=0.0, noise=6,
    ),
    "DCE3": Sequence(
        (360 / 320, 360 / 320, 1.5), fat=170, gland=230, skin=240, vessel=950, node=1150,
        lesion=480, necrosis=200, oedema=0,
        contrast=0.22, fine_mm=1.3, coarse_mm=4.0, rim=0.16, noise=14,
    ),
    "DCE7": Sequence(
        (360 / 320, 360 / 320, 1.5), fat=170, gland=245, skin=250, vessel=750, node=1050,
        lesion=430, necrosis=230, oedema=0,
        contrast=0.22, fine_mm=1.3, coarse_mm=4.0, rim=0.20, noise=14,
    ),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Breast:
    """The tissues around the lesion, on the lesion's grid, the same for all sequences.

    Parameters
    ----------
    inside : float32, share of each voxel that is breast (the rest is air).
    skin, gland, vessel, node : float32, share of each voxel that belongs to the tissue.
    """

    inside: Field
    skin: Field
    gland: Field
    vessel: Field
    node: Field


def make_breast(lesion: PhantomLesion, rng: np.random.Generator) -> Breast:
    """Draw fat, fibroglandular tissue, vessels, a lymph node and the skin line around a lesion.

    The node is brighter than the lesion on every sequence. Otherwise rescaling a volume by its extremes would depend on
    the lesion's own brightest voxel, and texture would reappear as brightness.
    """
    shape = lesion.depth.shape
    x, y, z = np.ogrid[tuple(slice(-(n // 2), n // 2 + 1) for n in shape)]
    # The second axis runs from anterior to posterior: the skin is a dome in front of the lesion.
    gap = lesion.diameter_mm / 2 + rng.uniform(8, 18)
    aside = rng.uniform(-25, 25, 2)
    under_skin = (y + gap - ((x - aside[0]) ** 2 + (z - aside[1]) ** 2 - (aside**2).sum()) / 130.0).astype(np.float32)
    inside = np.clip(0.5 + under_skin, 0, 1)
    skin = np.clip(inside - np.clip(under_skin - 1.3, 0, 1), 0, 1)
    coarse = smooth_noise(shape, (6.0, 8.0, 5.0), rng)
    strands = smooth_noise(shape, (1.2, 2.6, 1.4), rng)
    density = rng.normal(0.0, 0.5)
    gland = special.expit(3.0 * (coarse + 0.45 * strands + density - 0.25))
    gland *= np.clip((under_skin - 6) / 5, 0, 1) * (0.85 + 0.12 * smooth_noise(shape, 1.5, rng))
    outside_lesion = 1 - lesion.occupancy
    return Breast(
        inside.astype(np.float32),
        skin.astype(np.float32),
        (np.clip(gland, 0, 1.2) * inside).astype(np.float32),
        (_vessels(shape, rng) * inside * outside_lesion).astype(np.float32),
        _node(lesion, under_skin, rng),
    )


def _node(lesion: PhantomLesion, under_skin: Field, rng: np.random.Generator) -> Field:
    """An intramammary lymph node, an ellipsoid of 8-11 mm, clear of the lesion, the skin and the volume's edge."""
    distance = lesion.distance_mm.copy()
    distance[under_skin < 9] = 0
    edge = np.ones(distance.shape, dtype=bool)
    edge[8:-8, 8:-8, 8:-8] = False
    distance[edge] = 0
    places = np.argwhere((distance > 8) & (distance < 16))
    centre = places[rng.integers(len(places))]
    x, y, z = np.ogrid[tuple(slice(0, n) for n in distance.shape)]
    radii = rng.uniform(4.0, 5.5, 3)
    depth = np.sqrt(sum(((axis - at) / r) ** 2 for axis, at, r in zip((x, y, z), centre, radii, strict=True)))
    return np.asarray(np.clip(0.5 - (depth - 1) * radii.mean(), 0, 1), dtype=np.float32)


def _vessels(shape: tuple[int, ...], rng: np.random.Generator) -> Field:
    """A few winding tubes of 2-3 mm."""
    tubes = np.zeros(shape, dtype=np.float32)
    size = np.array(shape)
    for _ in range(int(rng.integers(3, 6))):
        steps = np.arange(0, 1.6 * size.max(), 0.4)
        heading = rng.standard_normal(3)
        heading /= np.linalg.norm(heading)
        winding = np.cumsum(ndimage.gaussian_filter1d(rng.standard_normal((steps.size, 3)), 15, axis=0), axis=0)
        start = size / 2 + rng.uniform(-0.4, 0.4, 3) * size - heading * steps[-1] / 2
        path = np.round(start + heading * steps[:, None] + 0.45 * winding).astype(int)
        path = path[((path >= 0) & (path < size)).all(axis=1)]
        tubes[tuple(path.T)] = rng.uniform(1.0, 2.2)
    smoothed = ndimage.gaussian_filter(tubes, 1.0)
    return np.asarray(np.clip(smoothed * 6, 0, 1), dtype=np.float32)


def paint(
    sequence: str,
    score: float,
    lesion: PhantomLesion,
    breast: Breast,
    traits: Mapping[str, float],
    rng: np.random.Generator,
) -> Field:
    """The noise-free brightness of lesion and breast on the fine grid.

    Parameters
    ----------
    sequence : T2WI, DWI, DCE3 or DCE7.
    score : the patient's latent score on the sequence; it affects only the texture.
    lesion, breast : geometry of the lesion and the breast.
    traits : standard normal values: t2_brightness, necrosis, oedema, rim_early, rim_late, washout.
    rng : source of the textures.
    """
    look = PROTOCOL[sequence]
    scene = look.fat * breast.inside + (look.gland - look.fat) * breast.gland
    scene += (look.skin - look.fat) * breast.skin
    scene += np.clip(look.vessel - scene, 0, None) * breast.vessel
    scene += (look.node * np.exp(0.05 * rng.standard_normal()) - scene) * breast.node
    if look.oedema:
        reach = 3.0 + 2.0 * max(traits["oedema"], 0.0)
        halo = np.exp(-np.clip(lesion.distance_mm, 0, None) / reach) * breast.inside
        scene += look.oedema * np.clip(0.15 + 0.5 * traits["oedema"], 0, 1.5) * halo
    occupancy = lesion.occupancy
    box = _box(occupancy > 0, margin=2)
    tumour = _tumour(sequence, score, lesion, traits, box, rng)
    inside = occupancy[box]
    scene[box] = (1 - inside) * scene[box] + inside * tumour
    return scene.astype(np.float32)


def _tumour(
    sequence: str,
    score: float,
    lesion: PhantomLesion,
    traits: Mapping[str, float],
    box: tuple[slice, ...],
    rng: np.random.Generator,
) -> Field:
    look = PROTOCOL[sequence]
    depth, core = lesion.depth[box], lesion.distance_mm[box] < 0
    fine, contrast = texture_of(score, sequence)
    contrast *= look.contrast * np.exp(0.05 * rng.standard_normal())
    texture = 1 + contrast * _texture(fine, sequence, core, rng)
    rim = {"DCE3": "rim_early", "DCE7": "rim_late"}.get(sequence)
    if rim is not None:
        texture = texture + look.rim * (0.4 + traits[rim]) * (np.clip(depth, 0, 1) ** 2 - 0.6)
    brightness = look.lesion * np.exp(0.07 * rng.standard_normal())
    if sequence == "T2WI":
        brightness *= np.exp(0.22 * traits["t2_brightness"])
    if sequence == "DCE7":
        brightness *= np.exp(-0.10 * traits["washout"])
    tumour = brightness * np.clip(texture, 0.15, 2.2)
    # Necrosis: a soft, ragged core, in lesions with the trait.
    reach = np.clip(0.22 + 0.16 * traits["necrosis"], 0, 0.5)
    if reach > 0:
        ragged = depth + 0.16 * smooth_noise(depth.shape, 2.5, rng)
        share = special.expit((reach - ragged) / 0.05)
        tumour = tumour + share * (look.necrosis - tumour)
    return np.asarray(tumour, dtype=np.float32)


def _texture(share: float, sequence: str, core: NDArray[np.bool_], rng: np.random.Generator) -> Field:
    """A texture of mean 0 and SD 1 inside the lesion, with `share` of its variance in the fine field."""
    look = PROTOCOL[sequence]
    jitter = np.exp(0.06 * rng.standard_normal(2))
    coarse = _standardised(smooth_noise(core.shape, look.coarse_mm * jitter[0], rng), core)
    fine = _standardised(smooth_noise(core.shape, look.fine_mm * jitter[1], rng), core)
    return _standardised(np.sqrt(1 - share) * coarse + np.sqrt(share) * fine, core)


def _standardised(field: Field, where: NDArray[np.bool_]) -> Field:
    values = field[where]
    return np.asarray((field - values.mean()) / values.std(), dtype=np.float32)


def _box(mask: NDArray[np.bool_], margin: int) -> tuple[slice, ...]:
    occupied = np.argwhere(mask)
    low = np.maximum(occupied.min(axis=0) - margin, 0)
    high = np.minimum(occupied.max(axis=0) + margin + 1, mask.shape)
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))


# --- from the fine grid to the scanner's ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class PhantomGrid:
    """A sequence's voxel grid around the lesion.

    Parameters
    ----------
    shape : voxels along patient left, posterior and head (before the obliquity).
    spacing_mm : (3,) voxel size.
    offset_mm : (3,) position of the first voxel's centre from the lesion's centre, along the grid's own axes.
    affine : float64 (4, 4), voxel to RAS mm.
    """

    shape: tuple[int, int, int]
    spacing_mm: NDArray[np.float64]
    offset_mm: NDArray[np.float64]
    affine: NDArray[np.float64]

    def sample(self, field: Field, *, blur_mm: NDArray[np.float64] | None = None) -> Field:
        """A fine-grid field at the voxels' centres, after smoothing by `blur_mm` (SD along each axis)."""
        if blur_mm is not None:
            field = ndimage.gaussian_filter(field, blur_mm, mode="nearest", truncate=3.0)
        for axis, (first, spacing, size) in enumerate(zip(self.offset_mm, self.spacing_mm, self.shape, strict=True)):
            at = first + spacing * np.arange(size) + field.shape[axis] // 2
            field = _linear(field, at, axis)
        return np.ascontiguousarray(field, dtype=np.float32)

    def centres_mm(self) -> list[NDArray[np.float64]]:
        """Three open arrays: the voxel centres' positions from the lesion's centre along each axis of the grid."""
        return list(
            np.ix_(*[first + step * np.arange(size) for first, step, size in zip(
                self.offset_mm, self.spacing_mm, self.shape, strict=True)])
        )  # fmt: skip


def _linear(field: Field, at: NDArray[np.float64], axis: int) -> Field:
    """The field at fractional voxels `at` along one axis, linearly interpolated; outside, the edge voxel's value."""
    at = np.clip(at, 0, field.shape[axis] - 1)
    below = np.minimum(at.astype(np.intp), field.shape[axis] - 2)
    share = (at - below).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(field.ndim)])
    lower, upper = np.take(field, below, axis), np.take(field, below + 1, axis)
    return np.asarray(lower + share * (upper - lower), dtype=np.float32)


def lay_grid(
    sequence: str,
    field_of_view_mm: tuple[int, ...],
    centre_ras: NDArray[np.float64],
    axes_ras: NDArray[np.float64],
    rng: np.random.Generator,
) -> PhantomGrid:
    """The sequence's grid: whole voxels inside the field of view, the lesion's centre anywhere within a voxel.

    Parameters
    ----------
    sequence : the sequence, which determines the voxel size.
    field_of_view_mm : extent of the fine grid.
    centre_ras : (3,) the lesion's centre, RAS mm.
    axes_ras : (3, 3) orthogonal unit columns: the grid's axes in RAS.
    rng : source of the offset within a voxel.
    """
    spacing = np.array(PROTOCOL[sequence].spacing_mm)
    count = np.floor((np.array(field_of_view_mm) - 1) / spacing).astype(int) - 1
    offset = -(count - 1) / 2 * spacing + rng.uniform(-0.5, 0.5, 3) * spacing
    affine = np.eye(4)
    affine[:3, :3] = axes_ras * spacing
    affine[:3, 3] = centre_ras + axes_ras @ offset
    i, j, k = (int(value) for value in count)
    return PhantomGrid((i, j, k), spacing, offset, affine)


def acquire(sequence: str, scene: Field, grid: PhantomGrid, rng: np.random.Generator) -> NDArray[np.int16]:
    """The scanner's image of a scene: partial volume, bias field, Rician noise, int16."""
    clean = grid.sample(scene, blur_mm=0.32 * grid.spacing_mm)
    signal = clean * np.exp(_log_bias(grid, rng))
    noise = PROTOCOL[sequence].noise * rng.standard_normal((2, *grid.shape), dtype=np.float32)
    return np.asarray(np.round(np.hypot(signal + noise[0], noise[1])), dtype=np.int16)


def _log_bias(grid: PhantomGrid, rng: np.random.Generator) -> NDArray[np.float64]:
    """A smooth log field: falling with the distance from the coil in front, and a slow second-order drift."""
    x, y, z = (position / 60.0 for position in grid.centres_mm())
    a = rng.normal(0, 0.06, 5)
    fall = rng.uniform(0.10, 0.28)
    return np.asarray(-fall * y + a[0] * x + a[1] * z + a[2] * x**2 + a[3] * y**2 + a[4] * x * z, dtype=np.float64)
