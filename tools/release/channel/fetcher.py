"""Reading a channel: from a folder, or a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tuf.api.exceptions import DownloadError, DownloadHTTPError
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.urllib3_fetcher import Urllib3Fetcher

from tools.release.errors import ReleaseError

_PIECE = 1024 * 1024
_TIMEOUT_S = 30  # without a byte
_NOT_FOUND = 404


def address(place: str) -> str:
    """The address of a channel, from that or from a folder's path. Raises ReleaseError."""
    scheme = urlsplit(place).scheme
    if scheme in ("http", "https"):
        return place.rstrip("/")
    if scheme or not Path(place).is_dir():
        raise ReleaseError(f"expected a folder, or an address with http or https, found {place!r}")
    return Path(place).resolve().as_uri()


class ChannelFetcher(FetcherInterface):
    """Gives up after 30 seconds without a byte; how much is read, its base class bounds."""

    def __init__(self) -> None:
        self._web = Urllib3Fetcher(socket_timeout=_TIMEOUT_S)

    def _fetch(self, url: str) -> Iterator[bytes]:
        try:
            yield from _read(url) if url.startswith("file:") else self._web.fetch(url)
        except DownloadError:
            raise
        except Exception as error:  # each library underneath has its own
            raise DownloadError(f"{url}: {error}") from error


def _read(url: str) -> Iterator[bytes]:
    try:
        with open(unquote(urlsplit(url).path), "rb") as file:
            while piece := file.read(_PIECE):
                yield piece
    except FileNotFoundError as error:
        raise DownloadHTTPError(f"{url}: not found", _NOT_FOUND) from error
