"""Images as pages receive them."""

import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from radstudy.app.web import volumes as module
from radstudy.app.web.needs import CaseImages, ImageFile, UnknownError
from radstudy.app.web.preparations import RunRecords, Steps
from radstudy.app.web.volumes import ServedImages, StoredImage, curve, packed, stored_image, windows_of
from radstudy.errors import CaseError
from radstudy.formats.raster import write_raster
from radstudy.imaging.volume import Volume
from radstudy.space.grid import Grid

AFFINE = np.diag([2.0, 2.0, 3.0, 1.0])


def images_of(folder, **options):
    return ServedImages(Steps((), None, folder / "cache"), RunRecords(folder / "none", None), **options)


def written(folder, name, voxels, affine=AFFINE, **more):
    write_raster(folder / f"{name}.nii.gz", voxels, affine)
    return ImageFile(name, folder / f"{name}.nii.gz", **more)


@pytest.mark.parametrize(("values", "dtype"), [
    ([-32768, 32767], "int16"), ([0, 32768], "uint16"), ([0, 65535], "uint16"), ([-1, 32768], "float32"),
    ([0, 65536], "float32"), ([0.5, 1], "float32"), ([0, np.nan], "float32"), ([0, np.inf], "float32"),
    ([3, 3], "int16"),
])  # fmt: skip
def test_voxels_are_sent_in_the_smallest_type_that_holds_them_exactly(values, dtype):
    voxels = np.array(values, np.float64).reshape(2, 1, 1)
    stored = stored_image(Volume(voxels, AFFINE))
    assert stored.dtype == dtype
    assert np.array_equal(stored.voxels.astype(np.float64), voxels.astype(np.float32), equal_nan=True)


@settings(max_examples=50, deadline=None)
@given(arrays(np.float32, st.tuples(*[st.integers(1, 5)] * 3), elements=st.floats(width=32, allow_nan=False)))
def test_octets_are_the_voxels_with_i_fastest(voxels):
    stored = stored_image(Volume(voxels, AFFINE))
    columns, rows, _ = voxels.shape
    flat = np.frombuffer(stored.octets, np.dtype(stored.dtype).newbyteorder("<"))
    for (i, j, k), value in np.ndenumerate(voxels):
        assert flat[i + columns * (j + rows * k)] == value
    assert np.array_equal(stored.voxels, voxels)


def test_windows_are_percentiles_of_all_images_together():
    one, other = np.arange(0, 501, dtype=np.float32), np.arange(501, 1001, dtype=np.float32)
    assert windows_of([one, other]) == [[5.0, 995.0], [50.0, 980.0]]
    assert windows_of([]) == [[0.0, 1.0]]
    assert windows_of([np.full(9, 7, np.float32)]) == [[7.0, 8.0]] * 2


def test_phases_of_one_series_share_their_windows_and_other_sequences_do_not(tmp_path):
    rng = np.random.default_rng(0)
    shape = (8, 7, 6)
    case = CaseImages(tuple(
        written(tmp_path, name, rng.integers(0, top, shape).astype(np.int16), of_study=of_study)
        for name, top, of_study in (("T2WI", 100, True), ("DCE7", 900, True), ("DCE12", 300, True), ("DCE1", 50, False))
    ))  # fmt: skip
    images = images_of(tmp_path)
    t2, dce7, dce12 = images.document(case)
    assert dce7["windows"] == dce12["windows"] != t2["windows"]
    both = [images.image(case, name, "acquired").sample for name in ("DCE7", "DCE12")]
    assert dce7["windows"] == windows_of(both)
    assert dce7["phases"] == dce12["phases"] == ["DCE1", "DCE7", "DCE12"] and t2["phases"] == []
    for given_name in ("DCE", "DCE12"):
        named = images_of(tmp_path, windows={given_name: [[1, 2], [3, 4]]}).document(case)
        assert named[1]["windows"] == named[2]["windows"] == [[1, 2], [3, 4]] and named[0]["windows"] == t2["windows"]


def test_a_phase_on_another_grid_is_not_among_those_to_flip_through(tmp_path):
    voxels = np.zeros((4, 4, 3), np.int16)
    shifted = AFFINE.copy()
    shifted[0, 3] = 1.0
    case = CaseImages((written(tmp_path, "DCE1", voxels), written(tmp_path, "DCE2", voxels, shifted),
                       written(tmp_path, "DCE3", voxels)))  # fmt: skip
    one, two, three = images_of(tmp_path).document(case)
    assert one["phases"] == three["phases"] == ["DCE1", "DCE3"] and two["phases"] == []
    assert one["curve"] and two["curve"], "a curve is there on another grid, too"
    assert one["grid"] == three["grid"] != two["grid"]


def test_memory_is_bounded_and_what_was_used_last_stays(tmp_path, monkeypatch):
    shape = (50, 50, 40)  # 200,000 octets and their sample, as large
    case = CaseImages(tuple(written(tmp_path, f"S{c}", np.full(shape, n, np.int16)) for n, c in enumerate("ABCD")))
    images = images_of(tmp_path, most_bytes=1_000_000)
    read = []
    monkeypatch.setattr(module, "_read", lambda task, of=module._read: (read.append(task.image.sequence), of(task))[1])
    for name in ("SA", "SB", "SA", "SC", "SA", "SD", "SA", "SB"):
        images.image(case, name, "acquired")
        assert images.bytes_kept <= 1_000_000
    assert read == ["SA", "SB", "SC", "SD", "SB"]
    small = images_of(tmp_path, most_bytes=10)
    assert small.image(case, "SA", "acquired").voxels.shape == shape and small.bytes_kept == 0


def test_an_image_that_is_replaced_is_read_again(tmp_path):
    image = written(tmp_path, "T2WI", np.zeros((3, 3, 3), np.int16))
    images, case = images_of(tmp_path), CaseImages((image,))
    assert images.image(case, "T2WI", "acquired").voxels.max() == 0
    time.sleep(0.02)
    written(tmp_path, "T2WI", np.ones((3, 3, 3), np.int16))
    assert images.image(case, "T2WI", "acquired").voxels.max() == 1


def test_several_who_ask_at_once_read_once(tmp_path, monkeypatch):
    image = written(tmp_path, "T2WI", np.zeros((3, 3, 3), np.int16))
    images, case, read = images_of(tmp_path), CaseImages((image,)), []

    def slowly(task, of=module._read):
        read.append(1)
        time.sleep(0.1)
        return of(task)

    monkeypatch.setattr(module, "_read", slowly)
    threads = [threading.Thread(target=images.image, args=(case, "T2WI", "acquired")) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == [1]


def test_a_failed_reading_is_tried_again_and_waits_for_nobody(tmp_path):
    images, case = images_of(tmp_path), CaseImages((ImageFile("T2WI", tmp_path / "T2WI.nii.gz"),))
    for _ in range(2):
        with pytest.raises(CaseError):
            images.image(case, "T2WI", "acquired")
    (tmp_path / "T2WI.nii.gz").write_bytes(b"not an image")
    with pytest.raises(CaseError):
        images.image(case, "T2WI", "acquired")
    written(tmp_path, "T2WI", np.zeros((3, 3, 3), np.int16))
    assert images.image(case, "T2WI", "acquired").dtype == "int16"


def test_the_next_case_is_read_in_the_background_and_a_broken_one_stops_nothing(tmp_path):
    images = images_of(tmp_path)
    broken = CaseImages((ImageFile("T2WI", tmp_path / "none.nii.gz"),))
    images.prefetch(broken)
    time.sleep(0.05)
    images.prefetch(CaseImages((written(tmp_path, "DWI", np.zeros((9, 9, 9), np.int16)),)))
    until = time.monotonic() + 20
    while not images.bytes_kept and time.monotonic() < until:
        time.sleep(0.01)
    assert images.bytes_kept
    images.close()
    images._prefetching.join(10)
    assert not images._prefetching.is_alive()


def test_packing_gives_the_same_bytes_each_time():
    assert packed(b"abc" * 100) == packed(b"abc" * 100) != b"abc" * 100


# --- curves -----------------------------------------------------------------------------------------------------------


def _series(folder, affine_of_second=AFFINE, times=(0.0, 90.0, 180.0)):
    rng = np.random.default_rng(3)
    voxels = [rng.integers(0, 900, (6, 5, 4)).astype(np.int16) for _ in range(3)]
    names = ("DCE2", "DCE10", "DCE1")
    case = CaseImages(tuple(
        written(folder, name, one, affine_of_second if name == "DCE2" else AFFINE, seconds=seconds)
        for name, one, seconds in zip(names, voxels, times, strict=True)
    ))  # fmt: skip
    return dict(zip(names, voxels, strict=True)), case


def _spot(*place):
    mask = np.zeros((6, 5, 4), bool)
    mask[place] = True
    return mask


def test_a_curve_is_in_the_order_of_time(tmp_path):
    voxels, case = _series(tmp_path, times=(90.0, 180.0, 0.0))
    answer = curve(images_of(tmp_path), case, "DCE10", _spot(1, 2, 3))
    assert answer["phases"] == ["DCE1", "DCE2", "DCE10"] and answer["times_s"] == [0, 90, 180]
    assert answer["values"] == [voxels[name][1, 2, 3] for name in answer["phases"]]


def test_a_curve_without_all_times_says_so_and_is_in_the_order_of_names(tmp_path):
    _, case = _series(tmp_path, times=(90.0, None, 0.0))
    answer = curve(images_of(tmp_path), case, "DCE2", _spot(1, 2, 3))
    assert answer["times_s"] is None and answer["phases"] == ["DCE1", "DCE2", "DCE10"] and answer["note"]


def test_a_phase_on_another_grid_is_met_by_patient_coordinates(tmp_path):
    shifted = AFFINE.copy()
    shifted[:3, 3] = (4.0, 0.0, -3.0)  # two voxels along i, one back along k
    voxels, case = _series(tmp_path, shifted)
    answer = curve(images_of(tmp_path), case, "DCE1", _spot(3, 1, 2))
    by_name = dict(zip(answer["phases"], answer["values"], strict=True))
    assert by_name["DCE2"] == voxels["DCE2"][1, 1, 3] and by_name["DCE1"] == voxels["DCE1"][3, 1, 2]
    outside = curve(images_of(tmp_path), case, "DCE1", _spot(0, 1, 2))
    assert outside["values"][outside["phases"].index("DCE2")] is None


@pytest.mark.parametrize("mask", [np.zeros((6, 5, 4), bool), np.ones((5, 6, 4), bool)])
def test_a_mask_that_is_empty_or_of_another_image_gives_no_curve(tmp_path, mask):
    _, case = _series(tmp_path)
    with pytest.raises(UnknownError):
        curve(images_of(tmp_path), case, "DCE1", mask)


def test_a_mean_that_is_no_number_is_null():
    stored = StoredImage(
        np.array([np.nan], "<f4").tobytes(), "float32", Grid((1, 1, 1), AFFINE), np.zeros(0, np.float32)
    )
    assert module._mean_at(stored, stored.grid, np.zeros((1, 3), np.intp)) is None
