"""Rigid registration of a lesion's surroundings between two images, by Mattes' mutual information.

The fit is deterministic: every voxel of a working grid is a sample, in one thread, and the start is the scanner's
coordinates. The working grid is isotropic and bounded in size, so that a fit takes seconds.

References
----------
Mattes D et al., PET-CT image registration in the chest using free-form deformations, IEEE Trans Med Imaging
2003;22:120, doi 10.1109/TMI.2003.809072.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.formats.raster import to_sitk
from radstudy.imaging.masks.mask_on_grid import points_of
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import FloatArray, Volume
from radstudy.space.axes import lps_of_ras, map_between_frames, ras_of_lps, zyx_of_ijk
from radstudy.space.grid import Grid

MARGIN_MM = 30.0  # of surroundings that the fit uses
MAX_SHIFT_MM, MAX_ROTATION_DEGREES = 15.0, 10.0  # beyond these a fit is implausible
_SEARCH_MM = 20.0  # of the source image beyond the surroundings
_SAMPLES = 150_000  # approximate largest number of voxels of the working grid
_FINEST_MM = 1.0
_BINS = 32
_WINDOW = (0.5, 99.5)  # percentiles that intensities are clipped to, so that a hot voxel takes no histogram bins
_LEVELS = ((4, 1.0), (2, 0.5), (1, 0.0))  # shrink factor, smoothing in voxels of the working grid
_SLACK_MM = 5.0  # samples nearer to the source's border would leave it in small moves, and change the sample
_FEWEST = 1000  # samples
_REMEDY = "look at the images' positions; draw the lesion, or transfer without the fit (rigid: false)"


@dataclass(frozen=True, eq=False)
class Rigid:
    """A rotation and a shift of points, RAS mm: ``rotation @ (point - centre) + centre + shift_mm``.

    Parameters
    ----------
    rotation : float64 (3, 3), orthonormal.
    centre_mm : (3,) centre of the rotation.
    shift_mm : (3,) displacement of the centre.
    """

    rotation: NDArray[np.float64]
    centre_mm: NDArray[np.float64]
    shift_mm: NDArray[np.float64]

    @property
    def distance_mm(self) -> float:
        """Length of the centre's displacement, mm."""
        return float(np.linalg.norm(self.shift_mm))

    @property
    def degrees(self) -> float:
        """Angle of the rotation.

        Examples
        --------
        >>> quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
        >>> Rigid(quarter, np.zeros(3), np.array([3.0, 4, 0])).degrees
        90.0
        """
        return float(np.degrees(np.arccos(np.clip((np.trace(self.rotation) - 1) / 2, -1, 1))))

    def apply(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the moved points, (n, 3) RAS mm."""
        moved: NDArray[np.float64] = (points - self.centre_mm) @ self.rotation.T + self.centre_mm + self.shift_mm
        return moved

    def to_source(self) -> sitk.Transform:
        """Return the inverse for ITK's resampling: from points of the target to points of the source, LPS."""
        inverse = map_between_frames(self.rotation.T)
        transform = sitk.AffineTransform(3)
        transform.SetMatrix(inverse.ravel().tolist())
        transform.SetCenter(lps_of_ras(self.centre_mm + self.shift_mm).tolist())
        transform.SetTranslation((-lps_of_ras(self.shift_mm)).tolist())
        return transform


@dataclass(frozen=True, eq=False)
class RigidFit:
    """Result of a rigid fit.

    Parameters
    ----------
    rigid : moves points of the source image to where they are in the target image.
    information_before, information_after : mutual information (nats) of the surroundings, larger is better.
    """

    rigid: Rigid
    information_before: float
    information_after: float


def fit_rigid(target: Volume, source: Volume, roi: Roi, *, margin_mm: float = MARGIN_MM) -> RigidFit:
    """Fit the rigid motion of a lesion's surroundings between two images, by mutual information.

    Parameters
    ----------
    target, source : the images; their contrasts may differ.
    roi : the lesion on the source's grid; the fit uses its box and a margin.
    margin_mm : of the surroundings.

    Returns
    -------
    RigidFit : the same to the last bit in every call.

    Raises
    ------
    CaseError : an image is not finite or constant around the lesion, or the images have too little in common there.
    """
    points = points_of(roi)
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    moving = _source_image(source, points, margin_mm + _SEARCH_MM)
    fixed, places = _working_image(target, points, margin_mm)
    sampled = _within(places, target.grid, 0.0) & _within(places, source.grid, _SLACK_MM)
    if np.count_nonzero(sampled) < _FEWEST:
        raise CaseError("the images have too little in common around the lesion", _REMEDY)
    known = sitk.GetImageFromArray(zyx_of_ijk(sampled.astype(np.uint8)))
    known.CopyInformation(fixed)
    start = sitk.Euler3DTransform(lps_of_ras(centre).tolist())
    method = _method(known)
    method.SetInitialTransform(start, inPlace=True)
    try:
        before = -float(method.MetricEvaluate(fixed, moving))
        method.Execute(fixed, moving)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise CaseError(f"the images cannot be registered ({reason})", _REMEDY) from error
    after = -float(method.MetricEvaluate(fixed, moving))
    return RigidFit(_inverse(start, centre), before, after)


def _method(known: sitk.Image) -> sitk.ImageRegistrationMethod:
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)  # several threads would sum in any order
    method.SetNumberOfWorkUnits(1)
    method.SetMetricAsMattesMutualInformation(_BINS)
    method.SetMetricSamplingStrategy(method.NONE)
    method.SetMetricFixedMask(known)
    method.SetMetricUseMovingImageGradientFilter(False)  # its smoothing by 5 mm slices distorts the gradient
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=2.0, minStep=0.01, numberOfIterations=150, relaxationFactor=0.8, gradientMagnitudeTolerance=1e-8
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([shrink for shrink, _ in _LEVELS])
    method.SetSmoothingSigmasPerLevel([sigma for _, sigma in _LEVELS])
    method.SetSmoothingSigmasAreSpecifiedInPhysicalUnits(False)
    return method


def _working_image(
    target: Volume, points: NDArray[np.float64], margin_mm: float
) -> tuple[sitk.Image, NDArray[np.float64]]:
    """Return the target around the lesion on an isotropic grid, and its voxels' RAS positions, (x, y, z, 3)."""
    cosines = target.affine[:3, :3] / target.spacing_mm
    along = points @ cosines
    low, high = along.min(axis=0) - margin_mm, along.max(axis=0) + margin_mm
    spacing = max(_FINEST_MM, float(np.prod(high - low) / _SAMPLES) ** (1 / 3))
    size = np.ceil((high - low) / spacing).astype(int) + 1
    frame = sitk.ResampleImageFilter()
    frame.SetSize(size.tolist())
    frame.SetOutputSpacing([spacing] * 3)
    frame.SetOutputOrigin((lps_of_ras(cosines) @ low).tolist())
    frame.SetOutputDirection(lps_of_ras(cosines).ravel().tolist())
    frame.SetInterpolator(sitk.sitkLinear)
    index = np.stack(np.meshgrid(*[np.arange(n) for n in size], indexing="ij"), axis=-1)
    return frame.Execute(to_sitk(_windowed(target.voxels), target.affine)), (low + index * spacing) @ cosines.T


def _within(places: NDArray[np.float64], grid: Grid, slack_mm: float) -> NDArray[np.bool_]:
    """Return which points lie within the grid's outermost voxels, at least `slack_mm` (at most a quarter) away."""
    to_index = grid.inverse
    index = places @ to_index[:3, :3].T + to_index[:3, 3]
    last = np.array(grid.shape) - 1
    slack = np.minimum(slack_mm / grid.spacing_mm, last / 4)
    return np.asarray(((index >= slack) & (index <= last - slack)).all(axis=-1))


def _source_image(source: Volume, points: NDArray[np.float64], margin_mm: float) -> sitk.Image:
    """Return the source cut to the lesion's surroundings, on its own grid."""
    to_index = source.grid.inverse
    index = points @ to_index[:3, :3].T + to_index[:3, 3]
    margin = np.ceil(margin_mm / source.spacing_mm)
    low = np.clip(np.floor(index.min(axis=0) - margin), 0, None).astype(int)
    high = np.minimum(np.ceil(index.max(axis=0) + margin).astype(int) + 1, source.voxels.shape)
    cut = source.voxels[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    affine = source.affine.copy()
    affine[:3, 3] = source.affine[:3, :3] @ low + source.affine[:3, 3]
    return to_sitk(_windowed(cut), affine)


def _windowed(voxels: FloatArray) -> NDArray[np.float32]:
    if not np.isfinite(voxels).all():
        raise CaseError("the image has voxels that are not finite numbers", "export it again from the source")
    low, high = np.percentile(voxels, _WINDOW)
    if not high > low:
        raise CaseError("the image is constant around the lesion", "check whether this is the right image")
    cut: NDArray[np.float32] = np.clip(voxels, low, high).astype(np.float32)
    return cut


def _inverse(fitted: sitk.Euler3DTransform, centre: NDArray[np.float64]) -> Rigid:
    """Convert ITK's transform from the target's points to the source's into the motion of the source."""
    back = map_between_frames(np.reshape(fitted.GetMatrix(), (3, 3)))
    shift = ras_of_lps(np.array(fitted.GetTranslation()))
    # source = back (target - centre) + centre + shift, so a point at the centre of the source moves by -back^T shift.
    return Rigid(back.T, centre, -back.T @ shift)
