"""One version: of the bundle, of the firmware, and of the changelog."""

from __future__ import annotations

import re
from pathlib import Path

from tools.release.bundle import version

VERSION = Path("tools/release/VERSION")


def test_the_firmware_says_the_version_of_the_release() -> None:
    (said,) = re.findall(
        r'^#define RELEASE_VERSION "(.*)"$', Path("firmware/repl/version.h").read_text(), re.M
    )
    assert version.parse(said) == version.read(VERSION)
