"""Writing a file whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.image.errors import ImageError


@contextmanager
def replacing(path: Path) -> Iterator[int]:
    """A descriptor of a new file that takes `path`'s place when the block ends without error.

    Until then `path` stays what it was; on an error nothing is left behind.
    """
    try:
        fd, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise ImageError(f"cannot write {path}: {error.strerror}") from error
    try:
        yield fd
        os.fchmod(fd, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        os.unlink(temporary)
        raise ImageError(f"cannot write {path}: {error.strerror}") from error
    except BaseException:
        os.unlink(temporary)
        raise
    finally:
        os.close(fd)
