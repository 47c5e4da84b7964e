"""What is taken out of free texts, and what stays."""

import pytest

from radstudy.formats.dicom_header import DicomIdentity
from radstudy.intake.pseudonyms import Redactor


def redacted(name: str, text: str) -> str:
    return Redactor([DicomIdentity("", "", name, "", "", "", "")])(text)


@pytest.mark.parametrize(
    ("name", "text", "left"),
    [
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "山田 AX やまだ", "[removed] AX [removed]"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "T2山田太郎様", "T2[removed]様"),
        ("=林^翔", "AX 林翔 T2", "AX [removed] T2"),
        ("=林^翔", "AX 林　翔 T2", "AX [removed] T2"),
        ("Kim^Hee=金^希=김^희", "김희 T2", "[removed] T2"),
        ("ﾔﾏﾀﾞ^ﾀﾛｳ", "ヤマダ T2 ﾔﾏﾀﾞ", "[removed] T2 [removed]"),
        ("Müller^Zoë", "MU\u0308LLER, muller zoe", "[removed], [removed]"),
        ("Yamada^太郎", "yamada T2 太郎 t2 太郎YAMADA", "[removed] T2 [removed] t2 [removed]"),
        ("Li^Na", "t2 LI_NA nali lina", "t2 [removed] [removed] [removed]"),
        ("O'Brien^Pat", "OBRIEN t2 o'brien", "[removed] t2 [removed]"),
        ("de la Cruz^Ana", "DelaCruz t2 ana", "[removed] t2 [removed]"),
        ("Roe^Jane^Quinlan^Prof.^Jnr", "quinlan prof jnr t2 jane", "[removed] [removed] [removed] t2 [removed]"),
    ],
)
def test_a_name_goes_in_every_writing(name, text, left):
    assert redacted(name, text) == left


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Li^Na", "t2 li ax na"),  # one word of two letters identifies nobody
        ("=高^明", "高分辨 T2 明"),
        ("06^Breast-MRI-Pilot", "BREAST MRI 06 t2"),  # an archive's collection in place of a name
        ("10^2", "b 10 2"),
        ("Roe^Jane", "heroes janet"),
        ("", "t2 tse"),
    ],
)
def test_what_identifies_nobody_stays(name, text):
    assert redacted(name, text) == text
