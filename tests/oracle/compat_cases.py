"""The images, masks and calls on which the drop-in extractor is compared; read by its tests and by compat_make.py.

A case is a function of an extractor class, so that PyRadiomics and radstudy run the same lines.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

TURNED = (0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0)
SPACING, ORIGIN = (0.9, 1.1, 2.0), (-12.5, 30.25, 7.0)
PARAMS = {
    "setting": {"binWidth": 20, "label": 2, "resampledPixelSpacing": [1, 1, 1.5], "interpolator": "sitkLinear"},
    "imageType": {"Original": {}, "LoG": {"sigma": [1.0, 2]}, "Wavelet": {"binWidth": 10}},
    "featureClass": {"glcm": ["Contrast", "Id"], "shape": None, "firstorder": []},
}


def at(array, spacing=SPACING, origin=ORIGIN, direction=TURNED):
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    image.SetDirection(direction)
    return image


def arrays():
    """An int16 image and labels 1 (a lesion), 2 (a smaller one) and 3 (two voxels apart), all (z, y, x)."""
    z, y, x = np.indices((12, 20, 22))
    image = (37 * x * x + 61 * y * z + 17 * x * y + 29 * z * z * y + 7 * x * y * z) % 311 + 12 * z
    labels = np.zeros(image.shape, np.uint8)
    labels[(z - 5) ** 2 / 12 + (y - 8) ** 2 / 30 + (x - 8) ** 2 / 26 < 1] = 1
    labels[8:11, 13:18, 14:20] = 2
    labels[1, 1, 1] = labels[1, 4, 6] = 3
    return image.astype(np.int16), labels


def given(pixel=np.int16, mask_pixel=np.uint8):
    image, labels = arrays()
    return at(image.astype(pixel)), at(labels.astype(mask_pixel))


def default(extractor_class):
    return extractor_class().execute(*given())


def label_in_the_call(extractor_class):
    return extractor_class(binWidth=10).execute(*given(np.float32, np.int16), label=2)


def parameters(extractor_class):
    return extractor_class(PARAMS).execute(*given())


def parameters_and_overrides(extractor_class):
    return extractor_class(PARAMS, label=1, interpolator=sitk.sitkBSpline, binWidth=np.float64(30)).execute(*given())


def all_filters(extractor_class):
    extractor = extractor_class(sigma=np.arange(1.0, 3.0), level=2)
    extractor.enableAllImageTypes()
    for name in ("LBP2D", "LBP3D", "Original"):
        extractor.enableImageTypeByName(name, enabled=False)
    extractor.disableAllFeatures()
    extractor.enableFeaturesByName(firstorder=["Mean", "Entropy"], glszm=["ZoneEntropy"])
    return extractor.execute(*given(np.float64))


def log_larger_than_the_image(extractor_class):
    extractor = extractor_class()
    extractor.enableImageTypes(LoG={"sigma": [1.5, 30.0]})
    extractor.enableFeatureClassByName("shape", enabled=False)
    return extractor.execute(*given())


def normalised(extractor_class):
    settings = {"normalize": True, "normalizeScale": 100, "removeOutliers": 2, "binWidth": 5, "preCrop": True}
    return extractor_class(**settings).execute(*given())


def resegmented(extractor_class):
    settings = {"resegmentRange": [-1.5, 1.5], "resegmentMode": "sigma", "resegmentShape": True, "binCount": 16}
    return extractor_class(**settings).execute(*given())


def in_planes(extractor_class):
    extractor = extractor_class(force2D=True, distances=[1, 2], weightingNorm="euclidean", gldm_a=1)
    extractor.enableImageTypeByName("Wavelet")
    return extractor.execute(*given())


def deprecated(extractor_class):
    extractor = extractor_class(additionalInfo=False, verbose=True)
    extractor.disableAllFeatures()
    extractor.enableFeaturesByName(
        glcm=["Homogeneity1", "Id", "SumVariance"], gldm=["DependencePercentage"], firstorder=["StandardDeviation"],
        shape=["Compactness1", "SphericalDisproportion"],
    )  # fmt: skip
    return extractor.execute(*given())


def nothing_enabled(extractor_class):
    extractor = extractor_class()
    extractor.disableAllFeatures()
    extractor.disableAllImageTypes()
    return extractor.execute(*given())


def voxels_without_neighbours(extractor_class):
    return extractor_class(label=3).execute(*given())


def channel(extractor_class):
    image, labels = given()
    both = sitk.Compose(labels == 1, labels == 2)
    return extractor_class(label_channel=1).execute(image, both)


def mask_on_another_grid(extractor_class):
    image, labels = given()
    finer = sitk.Resample(labels, (30, 28, 20), sitk.Transform(), sitk.sitkNearestNeighbor, ORIGIN, (0.6, 0.7, 1.1),
                          TURNED)  # fmt: skip
    return extractor_class(correctMask=True).execute(image, finer)


def resampled_on_the_grid_of_the_mask(extractor_class):
    image, labels = given()
    moved = sitk.Resample(labels, (24, 24, 14), sitk.Transform(), sitk.sitkNearestNeighbor, (-12.1, 30.6, 6.5), SPACING,
                          TURNED)  # fmt: skip
    return extractor_class(resampledPixelSpacing=[1, 1, 0], binWidth=15).execute(image, moved)


def same_spacing_on_another_grid(extractor_class):
    image, labels = given()
    cropped = labels[2:22, 1:18, 0:12]
    return extractor_class(resampledPixelSpacing=SPACING).execute(image, cropped)


def resampled_to_the_spacing_of_the_mask(extractor_class):
    image, labels = given()
    finer = sitk.Resample(labels, (30, 28, 20), sitk.Transform(), sitk.sitkNearestNeighbor, ORIGIN, (0.6, 0.7, 1.1),
                          TURNED)  # fmt: skip
    return extractor_class(resampledPixelSpacing=[0.6, 0.7, 1.1], padDistance=2).execute(image, finer)


def rounded_origin(extractor_class):
    image, labels = given()
    labels.SetOrigin([one + 4e-4 for one in ORIGIN])
    return extractor_class(geometryTolerance=1e-3).execute(image, labels)


def flat(pixel=np.float32):
    """One slice of the phantom with two axes."""
    image, labels = given(pixel)
    return image[:, :, 9], labels[:, :, 9]


def two_axes(extractor_class):
    extractor = extractor_class(label=2, sigma=[1.0, 2.0], binWidth=30)
    for name in ("LoG", "Wavelet", "Gradient", "LBP2D", "LBP3D"):
        extractor.enableImageTypeByName(name)
    extractor.enableFeatureClassByName("shape2D")
    extractor.disableAllFeatures()
    extractor.enableFeaturesByName(shape=[], shape2D=[], firstorder=["Mean", "Entropy"], glrlm=[], glcm=["Contrast"])
    return extractor.execute(*flat())


def two_axes_resampled(extractor_class):
    return extractor_class(label=2, resampledPixelSpacing=[0.5, 0.6], resegmentRange=[0, 400]).execute(*flat())


def two_axes_along_one(extractor_class):
    return extractor_class(label=2, force2D=True, distances=[1, 2]).execute(*flat())


def two_axes_along_the_other(extractor_class):
    extractor = extractor_class(label=2, force2D=True, force2Ddimension=1, weightingNorm="manhattan")
    extractor.enableImageTypeByName("Gradient")
    return extractor.execute(*flat())


def patterns(extractor_class):
    extractor = extractor_class(label=1, lbp2DMethod="default")
    extractor.enableImageTypes(LBP2D={}, LBP3D={"binWidth": 0.5})
    extractor.disableAllFeatures()
    extractor.enableFeaturesByName(firstorder=["Mean", "Entropy"], glcm=["Contrast"])
    return extractor.execute(*given())


def one_slice(extractor_class):
    image, labels = given()
    extractor = extractor_class(label=2, force2D=True)
    extractor.enableAllFeatures()
    return extractor.execute(image[:, :, 9:10], labels[:, :, 9:10])


CASES = [
    default, label_in_the_call, parameters, parameters_and_overrides, all_filters, log_larger_than_the_image,
    normalised, resegmented, in_planes, deprecated, nothing_enabled, voxels_without_neighbours, channel,
    mask_on_another_grid, resampled_on_the_grid_of_the_mask, same_spacing_on_another_grid,
    resampled_to_the_spacing_of_the_mask, rounded_origin, two_axes, two_axes_resampled, two_axes_along_one,
    two_axes_along_the_other, patterns, one_slice,
]  # fmt: skip


def _small():
    """Two lesions' corner of the phantom: maps of many features take long."""
    image, labels = given()
    return image[12:22, 11:20, 6:12], labels[12:22, 11:20, 6:12]


def maps(extractor_class):
    return extractor_class(label=2).execute(*_small(), voxelBased=True)


def maps_in_planes(extractor_class):
    extractor = extractor_class(label=2, force2D=True, initValue=-5, kernelRadius=2)
    extractor.disableAllFeatures()
    extractor.enableFeaturesByName(
        firstorder=["Mean", "Entropy"], glcm=["Contrast"], glrlm=["RunEntropy"], glszm=["ZoneVariance"],
        gldm=["DependenceEntropy"], ngtdm=["Contrast"],
    )  # fmt: skip
    return extractor.execute(*_small(), voxelBased=True)


def maps_resampled(extractor_class):
    extractor = extractor_class(label=2, resampledPixelSpacing=[1, 1, 1], additionalInfo=False)
    extractor.disableAllImageTypes()
    extractor.enableImageTypeByName("Wavelet")
    extractor.disableAllFeatures()
    extractor.enableFeaturesByName(firstorder=["Mean"], glcm=["Id"])
    return extractor.execute(*_small(), voxelBased=True)


def maps_of_two_axes(extractor_class):
    image, labels = flat(np.int16)
    extractor = extractor_class(label=2)
    extractor.disableAllFeatures()
    extractor.enableFeaturesByName(glcm=["Contrast"], gldm=["DependenceEntropy"])
    return extractor.execute(image, labels, voxelBased=True)


MAPS = [maps, maps_in_planes, maps_resampled, maps_of_two_axes]


def wrong_label(extractor_class):
    return extractor_class().execute(*given(), label=7)


def empty_mask(extractor_class):
    return extractor_class().execute(given()[0], given()[1] * 0)


def one_voxel(extractor_class):
    image, labels = arrays()
    labels[:] = 0
    labels[3, 3, 3] = 1
    return extractor_class().execute(at(image), at(labels))


def too_few_dimensions(extractor_class):
    return extractor_class(minimumROIDimensions=3).execute(*given(), label=3)


def too_few_voxels(extractor_class):
    return extractor_class(minimumROISize=90).execute(*given(), label=2)


def another_size(extractor_class):
    return extractor_class().execute(given()[0], given()[1][0:20, :, :])


def another_origin(extractor_class):
    image, labels = given()
    labels.SetOrigin([one + 1e-4 for one in ORIGIN])
    return extractor_class().execute(image, labels)


def outside_the_image(extractor_class):
    image, labels = given()
    labels.SetOrigin((40, 30, 7))
    return extractor_class(correctMask=True).execute(image, labels)


def outside_the_image_resampled(extractor_class):
    image, labels = given()
    labels.SetOrigin((40, 30, 7))
    return extractor_class(resampledPixelSpacing=[1, 1, 1]).execute(image, labels)


def nothing_in_the_range(extractor_class):
    return extractor_class(resegmentRange=[9000, 9001]).execute(*given())


def no_such_file(extractor_class):
    return extractor_class().execute("there/is/none.nrrd", given()[1])


def no_image(extractor_class):
    return extractor_class().execute(None, given()[1])


def other_axes(extractor_class):
    return extractor_class().execute(given()[0], flat()[1])


def shape_of_a_plane_of_several(extractor_class):
    extractor = extractor_class(force2D=True)
    extractor.enableAllFeatures()
    return extractor.execute(*given())


def spacing_of_three_axes_for_two(extractor_class):
    return extractor_class(label=2, resampledPixelSpacing=[1, 1, 1]).execute(*flat())


REFUSED = [
    wrong_label, empty_mask, one_voxel, too_few_dimensions, too_few_voxels, another_size, another_origin,
    outside_the_image, outside_the_image_resampled, nothing_in_the_range, no_such_file, no_image,
    other_axes, shape_of_a_plane_of_several, spacing_of_three_axes_for_two,
]  # fmt: skip
