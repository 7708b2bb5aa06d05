"""Making the folder to upload: verified, whole, and the same however often it is asked for."""

from __future__ import annotations

import filecmp
import os
import shutil
from pathlib import Path

from tools.release.bundle import version as versions
from tools.release.bundle.contents import Look, read_contents
from tools.release.bundle.output import new_folder
from tools.release.bundle.version import Version
from tools.release.errors import Refused, ReleaseError
from tools.release.verify.signatures import Trust
from tools.release.verify.verify import verify


def prepare(
    bundle: Path,
    tag: str,
    version: Version,
    trust: Trust,
    output: Path,
    *,
    look: Look = read_contents,
) -> Path:
    """The folder `upload-TAG` in `output`, with the files of a signed bundle.

    `version` is the one that is being released (tools/release/VERSION); the tag and the bundle must be of it. A folder
    that has these files already is left as it is. Raises Refused when the bundle is not right, ReleaseError when the
    tag is not, or when there is another folder of that name.
    """
    versions.parse_tag(tag, version)
    verdict = verify(bundle, trust, look=look)
    if not verdict.accepted:
        first = verdict.findings[0]
        raise Refused(
            f"{bundle}: {first.reason}: {first.place}: {first.says} (see: release verify)"
        )
    if verdict.version != version:
        raise Refused(
            f"{bundle}: expected version {version} (tools/release/VERSION), found {verdict.version}"
        )
    upload = output / f"upload-{tag}"
    if os.path.lexists(upload):
        _check_same(bundle, upload, verdict.files)
        return upload
    with new_folder(upload) as folder:
        for name in verdict.files:
            shutil.copyfile(bundle / name, folder / name)
            (folder / name).chmod(0o644)
        _check(verify(folder, trust, look=look).accepted, bundle)
    return upload


def _check(is_same: bool, bundle: Path) -> None:
    if not is_same:
        raise ReleaseError(f"{bundle} was changed while it was copied: call this again")


def _check_same(bundle: Path, upload: Path, files: tuple[str, ...]) -> None:
    """Raises ReleaseError unless a folder has just these files."""
    found = {path.name for path in upload.iterdir()} if upload.is_dir() else set()
    _, different, failed = filecmp.cmpfiles(bundle, upload, files, shallow=False)
    if found != set(files) or different or failed:
        odd = sorted(found ^ set(files)) + different + failed
        raise ReleaseError(
            f"{upload} is there already, with other files ({', '.join(odd[:3]) or 'it is no folder'}): move it away"
        )
