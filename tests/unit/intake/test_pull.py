"""Pulls from servers that fail: repeated, resumed, counted; against a DICOMweb server and a PACS in this process."""

import gc
from contextlib import nullcontext

import pytest
from pydicom.dataset import Dataset

from radstudy.errors import DataError, StorageError, UsageError
from radstudy.formats.dicom_header import DicomIdentity
from radstudy.intake.connect import server_of
from radstudy.intake.dicomweb import DicomWeb
from radstudy.intake.dimse import Dimse
from radstudy.intake.pull import Offered, OfferedSeries, asked, describe_offered, pull
from radstudy.intake.rules import load_rules
from unit.intake.servers import Archive, free_port, pacs, served


@pytest.fixture
def archive(synthetic, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.t2(), synthetic.dynamic(2))
    return Archive(synthetic, tmp_path / "in")


def contents(source):
    return sorted((source.path / found.name).read_bytes() for found in source.files())


def test_dicomweb_gives_every_instance(archive, tmp_path):
    with served(archive) as server:
        source = pull(server, tmp_path / "private", wait_s=0)
    assert source.problems == []
    got = [archive.read(source.path / found.name) for found in source.files()]
    assert sorted(d.SOPInstanceUID for d in got) == sorted(d.SOPInstanceUID for d in archive.datasets)
    by_uid = {d.SOPInstanceUID: d for d in archive.datasets}
    assert all(d == by_uid[d.SOPInstanceUID] for d in got)


def test_a_server_that_answers_5xx_is_asked_again(archive, tmp_path):
    archive.errors = 3
    with served(archive) as server:
        assert len(pull(server, tmp_path / "private", wait_s=0).files()) == len(archive.files)


def test_a_server_that_answers_only_5xx_is_named_without_addresses(archive, tmp_path):
    archive.errors = 10**6
    with served(archive) as server, pytest.raises(DataError, match="HTTP status 503") as raised:
        pull(server, tmp_path / "private", wait_s=0)
    assert "1.2.826" not in str(raised.value)


def test_a_connection_that_drops_half_way_goes_on_where_it_was(synthetic, tmp_path):
    synthetic.write(tmp_path / "in", synthetic.dynamic(2, size=(256, 200)))
    archive = Archive(synthetic, tmp_path / "in")
    archive.drop_after, archive.drops = 4, 1
    with served(archive) as server:
        source = pull(server, tmp_path / "private", wait_s=0)
    assert len(source.files()) == len(archive.files)
    assert len(archive.sent) <= len(archive.files) + 1  # what had come was not fetched again


def test_a_series_that_never_comes_whole_is_left_out_and_comes_with_the_next_pull(archive, tmp_path):
    archive.drop_after, archive.drops = 0, 10**6
    with served(archive) as server:
        source = pull(server, tmp_path / "private", wait_s=0)
        assert source.files() == []
        assert "only 0 of 6 instances arrived" in source.problems[0]
        archive.drops = 0
        assert len(pull(server, tmp_path / "private", wait_s=0).files()) == len(archive.files)


def test_a_second_pull_fetches_nothing(archive, tmp_path):
    with served(archive) as server:
        pull(server, tmp_path / "private", wait_s=0)
        sent = len(archive.sent)
        pull(server, tmp_path / "private", wait_s=0)
    assert len(archive.sent) == sent


@pytest.mark.parametrize("how", [lambda raw: raw[: len(raw) // 2], lambda raw: bytes(len(raw)), lambda raw: b""])
def test_a_pulled_object_that_was_damaged_is_fetched_again(archive, tmp_path, how):
    with served(archive) as server:
        pull(server, tmp_path / "private", wait_s=0)
        file = sorted((tmp_path / "private" / "pulled").rglob("*.dcm"))[2]
        whole, sent = file.read_bytes(), len(archive.sent)
        file.write_bytes(how(whole))
        source = pull(server, tmp_path / "private", wait_s=0)
    assert file.read_bytes() == whole
    assert len(archive.sent) == sent + 1
    assert len(source.files()) == len(archive.files)


def test_counts_that_disagree_are_named(archive, tmp_path):
    archive.count_off = 1
    with served(archive) as server:
        source = pull(server, tmp_path / "private", wait_s=0)
    assert "the server counts 7 instances but lists 6" in source.problems[0]
    assert source.files() == []


def test_wildcards_reach_the_server_unescaped(archive):
    with served(archive) as server:
        asked(server, "HOSP*", "", wait_s=0)
    assert "PatientID=HOSP*" in archive.asked[0]


def test_a_dry_run_describes_what_the_server_lists(archive):
    with served(archive) as server:
        text = describe_offered(asked(server, "", "", wait_s=0), load_rules())
    assert "T2WI" in text
    assert "DCE" in text
    assert not any(word in text for word in ("MUSTERMANN", "HOSP-4711", "1.2.826"))


def test_a_web_servers_texts_stand_as_they_are_and_a_name_in_all_its_writings(monkeypatch):
    name = {"vr": "PN", "Value": [{"Ideographic": "\u5c71\u7530^\u592a\u90ce", "Alphabetic": "Yamada^  Tarou"}]}
    study = {"0020000D": {"Value": ["1.2.3"]}, "00100010": name, "00100020": {"vr": "LO", "Value": ["A 1", "B 2"]},
             "00100021": {"vr": "LO", "Value": [None]}, "00100030": {"vr": "DA"}}  # fmt: skip
    series = {"0020000E": {"vr": "UI", "Value": ["1.2.3.4"]}, "0008103E": {"vr": "LO", "Value": [" T2  TSE "]},
              "00200011": {"vr": "IS", "Value": [7]}, "00201209": {"vr": "IS", "Value": ["many"]}}  # fmt: skip
    monkeypatch.setattr(DicomWeb, "_get", lambda self, address, *_: [series if "/series" in address else study])
    (found,) = DicomWeb("http://127.0.0.1/dicom-web").examinations("", "")
    assert found.identity == DicomIdentity("A 1", "", "Yamada^  Tarou=\u5c71\u7530^\u592a\u90ce", "", "1.2.3", "", "")
    assert found.series == (OfferedSeries("1.2.3.4", 7, " T2  TSE ", "", None),)


def test_a_pacs_texts_have_single_blanks_and_a_name_all_its_writings(monkeypatch):
    study, series = Dataset(), Dataset()
    study.StudyInstanceUID, study.StudyDate, study.IssuerOfPatientID = "1.2.3", "20240102", "A  clinic"
    study.PatientName = "Yamada^  Tarou=\u5c71\u7530^\u592a\u90ce"
    series.SeriesInstanceUID, series.SeriesDescription, series.Modality = "1.2.3.4", " T2  TSE ", "MR"
    series.SeriesNumber, series.NumberOfSeriesRelatedInstances = 7, None
    monkeypatch.setattr(Dimse, "_association", lambda self, models: nullcontext())
    monkeypatch.setattr(Dimse, "_find", lambda self, _, level, keys: [series if level == "SERIES" else study])
    (found,) = Dimse("127.0.0.1", 104, "PACS").examinations("", "")
    name = "Yamada^ Tarou=\u5c71\u7530^\u592a\u90ce"
    assert found.identity == DicomIdentity("", "A clinic", name, "", "1.2.3", "", "20240102")
    assert found.series == (OfferedSeries("1.2.3.4", 7, "T2 TSE", "MR", None),)


def test_c_get_gives_every_instance(archive, tmp_path):
    with pacs(archive) as server:
        source = pull(server, tmp_path / "private", wait_s=0)
    assert source.problems == []
    got = {d.SOPInstanceUID: d for d in (archive.read(source.path / found.name) for found in source.files())}
    assert len(got) == len(archive.datasets)
    assert all(got[d.SOPInstanceUID].PixelData == d.PixelData for d in archive.datasets)


def test_a_pacs_that_breaks_the_association_off_half_way(archive, tmp_path):
    archive.drop_after, archive.drops = 3, 1
    with pacs(archive) as server:
        source = pull(server, tmp_path / "private", wait_s=0)
    assert source.problems == []
    assert len(source.files()) == len(archive.files)


WRITINGS = ["YAMADA^TAROU^JO^DR^JNR", "山田^太郎", "やまだ^たろう"]
TOLD = ["t2 YAMADA", "山田太郎 t2", "t2 太郎様", "やまだ_t2", "t2 TarouYamada", "jnr t2"]


@pytest.fixture
def in_three_writings(synthetic, tmp_path):
    """An examination of one patient whose series are called by the writings of the patient's name."""
    for number, text in enumerate(TOLD, 1):
        tags = {**synthetic.T2, "SeriesDescription": text, "SpecificCharacterSet": "ISO_IR 192"}
        synthetic.write(
            tmp_path / "in", synthetic.t2(tags=tags, number=number, uid=str(number), name="=".join(WRITINGS))
        )
    return Archive(synthetic, tmp_path / "in")


@pytest.mark.parametrize("over", [served, pacs])
def test_a_dry_run_prints_no_writing_of_a_name(in_three_writings, over):
    with over(in_three_writings) as server:
        offered = asked(server, "", "", wait_s=0)
    assert offered[0].identity.name == "=".join(WRITINGS)
    assert sorted(series.description for series in offered[0].series) == sorted(TOLD)
    printed = describe_offered(offered, load_rules())
    assert printed.count("[removed]") == len(TOLD)
    assert not any(word in printed.upper() for word in ("YAMADA", "TAROU", "山", "太", "郎", "やま", "JNR"))


def test_a_dry_run_knows_a_patients_name_from_another_examination():
    names = ("Yamada^Tarou", "=山田^太郎")
    series = (OfferedSeries("1.2.3.4", 7, "t2 山田 yamada", "MR", 20),)
    offered = [Offered(DicomIdentity("A 1", "", name, "", f"1.2.{name}", "", ""), series) for name in names]
    assert describe_offered(iter(offered), load_rules()).count("t2 [removed] [removed]") == 2


def test_a_pacs_that_is_not_there_is_named(tmp_path):
    port = free_port()
    with pytest.raises(DataError, match=r"NOBODY at 127\.0\.0\.1"):
        pull(Dimse("127.0.0.1", port, "NOBODY", timeout_s=2), tmp_path, wait_s=0)
    web = DicomWeb(f"http://127.0.0.1:{port}/dicom-web", timeout_s=2)
    with pytest.raises(DataError, match="no connection"):
        pull(web, tmp_path, wait_s=0)
    web.close()
    gc.collect()


def test_no_socket_stays_open_where_no_connection_was_made(tmp_path, monkeypatch):
    from pynetdicom.transport import AssociationSocket

    made, create = [], AssociationSocket._create_socket
    monkeypatch.setattr(AssociationSocket, "_create_socket", lambda *given: made.append(create(*given)) or made[-1])
    with pytest.raises(DataError, match="not accept an association"):
        pull(Dimse("127.0.0.1", free_port(), "NOBODY", timeout_s=2), tmp_path, wait_s=0)
    assert [one.fileno() for one in made] == [-1] * len(made)
    assert made


@pytest.mark.parametrize("address", ["dimse://host:104", "dimse://PACS@host", "dimse://PACS@host:nan"])
def test_addresses_that_lack_a_part(address):
    with pytest.raises(UsageError, match="dimse://TITLE@host:port"):
        server_of(address)
    assert server_of("some/folder") is None
    assert server_of("dimse://PACS@host:104") == Dimse("host", 104, "PACS")


@pytest.mark.parametrize("character_set", ["ISO_IR 192", "GB18030"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_chinese_patient_id_is_found_over_dimse(synthetic, tmp_path, character_set):
    synthetic.write(tmp_path / "in", synthetic.t2(patient="张伟-17"), synthetic.t2(patient="HOSP-1", number=4))
    archive = Archive(synthetic, tmp_path / "in")
    archive.character_set = character_set
    with pacs(archive) as server:
        (found,) = asked(server, "张伟-17", "", wait_s=0)
    assert found.identity.patient_id == "张伟-17"


@pytest.mark.parametrize("over", [served, pacs])
def test_a_dry_run_counts_the_frames_of_an_enhanced_object(synthetic, tmp_path, over):
    scan = synthetic.dynamic(3)
    frames = [(volume, number) for number in range(scan.slices) for volume in scan.volumes]
    (tmp_path / "in").mkdir()
    synthetic.enhanced(scan, frames, lambda item, volume, number: None).save_as(tmp_path / "in" / "one.dcm")
    synthetic.write(tmp_path / "in", synthetic.t2(slices=1, number=9))
    with over(Archive(synthetic, tmp_path / "in")) as server:
        lines = describe_offered(asked(server, "", "", wait_s=0), load_rules()).splitlines()
    (enhanced,) = [line for line in lines if "dynaVIEWS" in line]
    assert "18 images" in enhanced
    assert "single image" not in enhanced
    (single,) = [line for line in lines if "T2 TSE" in line]
    assert "single image" in single


def test_one_object_of_which_a_server_tells_nothing_is_not_called_a_single_image():
    series = (OfferedSeries("1.2.3.4", 7, "t1_fl3d_tra_dynaVIEWS", "MR", 1),)
    offered = [Offered(DicomIdentity("A 1", "", "", "", "1.2.3", "", ""), series)]
    assert "single image" not in describe_offered(offered, load_rules())


@pytest.mark.parametrize("over", [served, pacs])
def test_a_disk_that_is_full_ends_a_pull_as_such(archive, tmp_path, monkeypatch, over):
    def full(path, **_):
        raise StorageError(path, "No space left on device")

    monkeypatch.setattr("radstudy.store.written_whole", full)
    with over(archive) as server, pytest.raises(StorageError, match="No space left"):
        pull(server, tmp_path / "private", wait_s=0)
