from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from radstudy.errors import CaseError, UsageError
from radstudy.formats.picture import grey_of_rgb, read_picture
from radstudy.formats.pixel_size import pixel_size
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume

GREY = np.arange(6 * 9, dtype=np.uint8).reshape(6, 9) * 4
RNG = np.random.default_rng(4)


def test_grey_is_kept_and_columns_come_first(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png")
    volume = Volume.read(tmp_path / "a.png", pixel_size_mm=(0.1, 0.12))
    assert volume.planar
    assert volume.stored_dtype == np.uint8
    np.testing.assert_array_equal(volume.voxels[:, :, 0], GREY.T)
    np.testing.assert_allclose(volume.spacing_mm, (0.1, 0.12, 1.0))
    assert volume.history == ("read a.png", "pixel size 0.1 x 0.12 mm as given")


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bits_are_kept(tmp_path, name):
    deep = (GREY.astype(np.uint16) * 200) + 3
    Image.fromarray(deep).save(tmp_path / name)
    np.testing.assert_array_equal(read_picture(tmp_path / name).pixels, deep)


def test_floats_of_a_tiff_are_kept(tmp_path):
    Image.fromarray(GREY.astype(np.float32) / 7).save(tmp_path / "a.tiff")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tiff").pixels, GREY.astype(np.float32) / 7)


def test_colour_becomes_grey_as_pillow_does_and_says_so(tmp_path):
    colours = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(colours).save(tmp_path / "a.png")
    expected = np.asarray(Image.fromarray(colours).convert("L"))
    np.testing.assert_array_equal(grey_of_rgb(colours)[0], expected)
    with pytest.warns(UserWarning, match=r"a\.png: colour converted to grey: 0\.299 red"):
        volume = Volume.read(tmp_path / "a.png", pixel_size_mm=0.2)
    np.testing.assert_array_equal(volume.voxels[:, :, 0], expected.T)
    assert "ITU-R BT.601" in volume.history[-1]


def test_grey_stored_as_colour_or_opaque_is_silent(tmp_path):
    grey = Image.fromarray(GREY)
    for mode in ("RGB", "RGBA", "LA", "P"):
        grey.convert(mode).save(tmp_path / f"{mode}.png")
        picture = read_picture(tmp_path / f"{mode}.png")
        np.testing.assert_array_equal(picture.pixels, GREY)
        assert picture.notes == ()


def test_refuses_transparent_pixels(tmp_path):
    image = Image.fromarray(GREY).convert("RGBA")
    image.putpixel((2, 3), (1, 2, 3, 254))
    image.save(tmp_path / "a.png")
    with pytest.raises(CaseError, match=r"transparent pixels.*alpha"):
        read_picture(tmp_path / "a.png")


def test_refuses_several_pages(tmp_path):
    pages = [Image.fromarray(GREY), Image.fromarray(GREY)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(CaseError, match="2 pages"):
        read_picture(tmp_path / "a.tif")


def test_refuses_an_image_that_has_to_be_turned(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(GREY).save(tmp_path / "a.jpg", exif=exif)
    with pytest.raises(CaseError, match="orientation 6"):
        read_picture(tmp_path / "a.jpg")


def test_refuses_what_is_no_image(tmp_path):
    (tmp_path / "a.png").write_bytes(b"not an image")
    with pytest.raises(CaseError, match="cannot be read as an image"):
        read_picture(tmp_path / "a.png")
    Image.fromarray(RNG.integers(0, 256, (40, 50), dtype=np.uint8)).save(tmp_path / "b.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "b.png").read_bytes()[:900])
    with pytest.raises(CaseError, match="cannot be read as an image"):
        read_picture(tmp_path / "b.png")
    with pytest.raises(CaseError, match="does not exist"):
        read_picture(tmp_path / "c.png")


# --- pixel size --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dpi", "size"), [((254, 127), (0.1, 0.2)), ((72, 72), None), ((96, 96), None), (None, None)])
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_the_resolution_of_screens_and_printers_is_no_pixel_size(tmp_path, name, dpi, size):
    Image.fromarray(GREY).save(tmp_path / name, **({} if dpi is None else {"dpi": dpi}))
    picture = read_picture(tmp_path / name)
    assert (picture.size_mm is None) == (size is None)
    if size is not None:
        np.testing.assert_allclose(picture.size_mm, size, rtol=1e-4)
        return
    with pytest.raises(CaseError, match=r"does not state its pixel size.*--pixel-size"):
        Volume.read(tmp_path / name)


def test_a_jpeg_states_none(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.jpg", dpi=(254, 254))
    assert read_picture(tmp_path / "a.jpg").size_mm is None


@pytest.mark.parametrize(("unit", "size"), [("mm", 0.25), ("cm", 2.5), ("\\u00B5m", 0.00025), ("pixel", None)])
def test_the_scale_of_imagej(tmp_path, unit, size):
    tags = ImageFileDirectory_v2()
    tags[270], tags[282], tags[283], tags[296] = f"ImageJ=1.54f\nunit={unit}\n", 4.0, 4.0, 1
    Image.fromarray(GREY).save(tmp_path / "a.tif", tiffinfo=tags)
    assert read_picture(tmp_path / "a.tif").size_mm == (None if size is None else pytest.approx((size, size)))


def test_a_given_pixel_size_goes_before_the_files_and_says_so(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png", dpi=(254, 254))
    with pytest.warns(UserWarning, match="0.3 x 0.3 mm as given; the file states 0.1"):
        volume = Volume.read(tmp_path / "a.png", pixel_size_mm=0.3)
    np.testing.assert_allclose(volume.spacing_mm[:2], 0.3)
    np.testing.assert_allclose(Volume.read(tmp_path / "a.png").spacing_mm[:2], 0.1)


@pytest.mark.parametrize("given", ["", "0.1x0.2x0.3", "wide", -1.0, (0.1, 0.0), "nan"])
def test_refuses_other_pixel_sizes(given):
    with pytest.raises(UsageError, match=r"give millimetres above 0"):
        pixel_size(given)


def test_a_file_with_a_voxel_size_takes_no_other(tmp_path):
    Volume(np.zeros((3, 4, 5), np.float32), np.eye(4)).write(tmp_path / "a.nrrd")
    with pytest.raises(UsageError, match="states its own"):
        Volume.read(tmp_path / "a.nrrd", pixel_size_mm=1.0)


# --- masks -------------------------------------------------------------------------------------------------------


def test_a_mask_takes_the_place_of_its_image(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png")
    volume = Volume.read(tmp_path / "a.png", pixel_size_mm=0.5)
    labels = np.zeros(GREY.shape, np.uint8)
    labels[2:4, 3:8] = 255
    for name in ("m.png", "m.tif"):
        Image.fromarray(labels).save(tmp_path / name)
        roi = Roi.read(tmp_path / name, grid=volume)
        assert roi.label == "255"
        np.testing.assert_array_equal(roi.mask[:, :, 0], labels.T > 0)
        np.testing.assert_array_equal(roi.affine, volume.affine)


def test_refuses_masks_that_are_lossy_coloured_cropped_or_without_image(tmp_path):
    volume = Volume(GREY.T[:, :, None], np.eye(4), planar=True)
    labels = np.zeros((*GREY.shape, 3), np.uint8)
    labels[2, 3] = (255, 0, 0)
    Image.fromarray(labels).save(tmp_path / "colour.png")
    Image.fromarray(labels[..., 0]).save(tmp_path / "lossy.jpg")
    Image.fromarray(labels[:4, :, 0]).save(tmp_path / "cropped.png")
    for name, says in (("colour.png", "in colour"), ("lossy.jpg", "JPEG changes"), ("cropped.png", "9 x 4 x 1 pixels")):
        with pytest.raises(CaseError, match=says):
            Roi.read(tmp_path / name, grid=volume)
    Image.fromarray(labels[..., 0]).save(tmp_path / "fine.png")
    with pytest.raises(CaseError, match="states no position"):
        Roi.read(tmp_path / "fine.png")


def test_text_chunks_do_not_matter(tmp_path):
    info = PngInfo()
    info.add_text("Patient", "nobody")
    Image.fromarray(GREY).save(tmp_path / "a.png", pnginfo=info)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png").pixels, GREY)
