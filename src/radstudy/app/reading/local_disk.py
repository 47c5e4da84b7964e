"""Detection of network shares: a database with a write-ahead log is not safe on one.

SQLite's write-ahead log needs memory that all its users share, and locks that hold; network file systems and the shared
folders of virtual machines give neither, and a database there is damaged sooner or later.

References
----------
SQLite, "Write-Ahead Logging", section 1, and "How To Corrupt An SQLite Database File", section 2.1.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath

from radstudy.errors import UsageError

_NETWORK = {
    "nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afpfs", "webdav", "davfs", "davfs2", "ncpfs", "ncp",
    "afs", "coda", "9p", "drvfs", "ceph", "glusterfs", "lustre", "gpfs", "beegfs", "pvfs2", "orangefs", "ocfs2", "gfs2",
    "panfs", "vboxsf", "vmhgfs", "prl_fs", "virtiofs", "ftp", "acfs", "macfuse", "osxfuse",
}  # fmt: skip
_LOCAL_FUSE = {"fuseblk", "fuse.ntfs", "fuse.ntfs-3g", "fuse.exfat", "fuse.fuse-overlayfs", "fuse.ext2", "fuse.encfs",
               "fuse.gocryptfs", "fuse.lxcfs"}  # fmt: skip
_REMOTE_DRIVE = 4  # Windows' DRIVE_REMOTE
_MOUNT_LINE = re.compile(r"^.+ on (?P<place>/.*) \((?P<kind>[^,)]+)(?:,[^)]*)?\)$")


def refuse_network_path(
    folder: Path,
    *,
    system: str = sys.platform,
    mount_table: Callable[[], str] | None = None,
    drive_type: Callable[[str], int] | None = None,
) -> None:
    """Refuse a folder that lies on a network share or on a shared folder of a virtual machine.

    Parameters
    ----------
    folder : absolute; it need not exist.
    system : as `sys.platform`.
    mount_table : text of /proc/self/mountinfo on Linux, of `mount` on macOS; None: this computer's.
    drive_type : Windows' GetDriveType of the root of a drive; None: this computer's.

    Raises
    ------
    UsageError : it does; says why, and what to do.
    """
    if system.startswith("win"):
        kind = _windows_share(str(folder), drive_type or _drive_type)
    elif system == "darwin":
        kind = _network_kind(_mounts_of_macos((mount_table or _mount_output)()), folder)
    else:
        kind = _network_kind(_mounts_of_linux((mount_table or _mountinfo)()), folder)
    if kind is not None:
        raise UsageError(
            f"{folder} lies on a share ({kind}): a database there can be damaged, because network file systems keep no "
            "lock that holds. Nothing was written. To do: give a folder on a disk of this computer for the database "
            "(--database); masks and tables are still written beside the study file"
        )


def _network_kind(mounts: list[tuple[str, str]], folder: Path) -> str | None:
    """The kind of the file system that a folder lies on, where it is one of the network's."""
    path = PurePosixPath(folder)
    holding = [(place, kind) for place, kind in mounts if path.is_relative_to(place)]
    if not holding:
        return None
    deepest = max(len(PurePosixPath(place).parts) for place, _ in holding)
    kind = [kind for place, kind in holding if len(PurePosixPath(place).parts) == deepest][-1]  # the last one covers
    network = kind in _NETWORK or (kind.startswith("fuse.") and kind not in _LOCAL_FUSE)
    return kind if network else None


def _mounts_of_linux(text: str) -> list[tuple[str, str]]:
    """Place and kind of each mount.

    References
    ----------
    proc_pid_mountinfo(5): field 5 is the place, with octal escapes; the kind follows the hyphen.
    """
    mounts = []
    for line in text.splitlines():
        before, hyphen, after = line.partition(" - ")
        fields, kinds = before.split(" "), after.split(" ")
        if hyphen and len(fields) >= 5:
            place = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4])
            mounts.append((place.encode("latin-1", "replace").decode("utf-8", "replace"), kinds[0]))
    return mounts


def _mounts_of_macos(text: str) -> list[tuple[str, str]]:
    """Place and kind of each mount, from lines such as ``//anna@server/data on /Volumes/data (smbfs, nodev)``."""
    lines = (_MOUNT_LINE.match(line.strip()) for line in text.splitlines())
    return [(line["place"], line["kind"].strip()) for line in lines if line is not None]


def _windows_share(folder: str, drive_type: Callable[[str], int]) -> str | None:
    path = PureWindowsPath(folder)
    drive = path.drive.removeprefix("\\\\?\\")
    if drive.upper().startswith("UNC\\") or drive.startswith("\\\\"):
        return f"network path {path.drive}"
    return f"network drive {drive}" if drive and drive_type(f"{drive}\\") == _REMOTE_DRIVE else None


def _mountinfo() -> str:
    try:
        return Path("/proc/self/mountinfo").read_bytes().decode("latin-1")
    except OSError:
        return ""  # a system without it: nothing is known of a share


def _mount_output() -> str:
    with os.popen("/sbin/mount") as output:  # fixed words; nobody's text is in them
        return output.read()


def _drive_type(root: str) -> int:
    import ctypes

    windows = getattr(ctypes, "windll", None)
    return 0 if windows is None else int(windows.kernel32.GetDriveTypeW(root))
