import sys
from pathlib import Path, PureWindowsPath

import pytest

from radstudy.app.reading.local_disk import refuse_network_path
from radstudy.errors import UsageError

MOUNTINFO = r"""22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:26 / /proc rw,nosuid shared:5 - proc proc rw
40 22 0:40 / /home/anna rw,relatime shared:9 master:2 - nfs4 server:/export/home rw,vers=4.2
41 40 8:1 / /home/anna/local rw,relatime - xfs /dev/sda1 rw
42 22 0:42 / /mnt/my\040share rw - cifs //server/data rw
43 22 0:43 / /mnt/ssh rw - fuse.sshfs anna@server: rw
44 22 0:44 / /mnt/usb rw - fuseblk /dev/sdb1 rw
45 22 0:45 / /mnt/win rw - 9p C:\134 rw
46 22 0:46 / /mnt/twice rw - ext4 /dev/sdc1 rw
47 46 0:47 / /mnt/twice rw - smb3 //server/x rw
48 22 0:48 / /mnt/g rw - fuse.gvfsd-fuse gvfsd-fuse rw
49 22 0:49 / /mnt/m\303\274ller rw - nfs server:/m rw
"""
MOUNT = """/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse)
//anna@server/study (old) on /Volumes/study (old) (smbfs, nodev, nosuid, mounted by anna)
server:/x on /Volumes/x (nfs)
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/work/study/reading", None),
        ("/home/anna/study", "nfs4"),
        ("/home/anna", "nfs4"),
        ("/home/annabel", None),
        ("/home/anna/local/study", None),
        ("/mnt/my share/study", "cifs"),
        ("/mnt/ssh/a/b", "fuse.sshfs"),
        ("/mnt/usb/a", None),
        ("/mnt/win/Users", "9p"),
        ("/mnt/twice/a", "smb3"),
        ("/mnt/g/a", "fuse.gvfsd-fuse"),
        ("/mnt/müller/a", "nfs"),
    ],
)
def test_linux_knows_a_share_by_the_kind_of_the_mount(folder, kind):
    said(Path(folder), kind, system="linux", mount_table=lambda: MOUNTINFO.encode("utf-8").decode("latin-1"))


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/Users/anna/study", None), ("/Volumes/study (old)/a", "smbfs"), ("/Volumes/x", "nfs"), ("/Volumes/y", None)],
)
def test_macos_knows_a_share_by_the_output_of_mount(folder, kind):
    said(Path(folder), kind, system="darwin", mount_table=lambda: MOUNT)


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        (r"C:\study", None),
        (r"\\server\data\study", "network path"),
        (r"\\?\UNC\server\data\study", "network path"),
        (r"\\?\C:\study", None),
        (r"Z:\study", "network drive Z:"),
    ],
)
def test_windows_knows_a_share_by_its_name_or_the_type_of_the_drive(folder, kind):
    types = {"C:\\": 3, "Z:\\": 4}
    said(PureWindowsPath(folder), kind, system="win32", drive_type=types.__getitem__)


def said(folder, kind, **how):
    if kind is None:
        refuse_network_path(folder, **how)
    else:
        with pytest.raises(UsageError) as error:
            refuse_network_path(folder, **how)
        assert f"({kind}" in str(error.value)
        assert str(folder) in str(error.value)
        assert "--database" in str(error.value)


@pytest.mark.skipif(sys.platform != "linux", reason="reads this computer's own table")
def test_this_computers_own_table_is_read(tmp_path):
    refuse_network_path(tmp_path)
    refuse_network_path(Path("/proc"))
