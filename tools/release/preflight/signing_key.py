"""Looking at the key that signs, without opening it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tools.release.keys.pkcs8 import LABEL
from tools.release.keys.token_key import SCHEME
from tools.release.preflight.outcome import Outcome, missing, ok, unknown


def look_at_key(key: str | None) -> Outcome:
    """An encrypted file that is its owner's alone. A token is not asked: it counts wrong PINs."""
    if key is None:
        return unknown("no key was named")
    if key.startswith(SCHEME):
        return unknown(f"a token is only asked when it signs: {key}")
    try:
        fd = os.open(Path(key), os.O_RDONLY | os.O_NONBLOCK)
        with open(fd, "rb") as file:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                return missing(f"{key} is no regular file")
            content = file.read(64)
    except OSError as error:
        return missing(f"{key}: {error.strerror}")
    if stat.S_IMODE(status.st_mode) & 0o077:
        return missing(f"{key} may be used by others (mode {stat.S_IMODE(status.st_mode):o})")
    if not content.startswith(f"-----BEGIN {LABEL}-----".encode()):
        return missing(f"{key} is no encrypted key")
    return ok(f"{key}, encrypted; its passphrase was not asked for")
