"""Fetching a release archive over HTTP, with nothing but the standard library."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from network.errors import DownloadError
from network.fabric.release import MAX_ARCHIVE

TIMEOUT = 60.0  # seconds without a byte
_CHUNK = 1024 * 1024

Progress = Callable[[int, int], None]  # told how many bytes are here, and how many there will be; 0 when not known


def download(url: str, target: Path, *, plain: bool, progress: Progress = lambda done, total: None) -> None:
    """Fetch a file.

    Args:
        target: where it is written.
        plain: whether it may come in plain text, for its digest is known.

    Raises:
        DownloadError: it cannot be had, or not all of it.
        OSError: it cannot be written.
    """
    _check(url, plain=plain)
    opener = urllib.request.build_opener(_Redirects(plain=plain))
    request = urllib.request.Request(url, headers={"User-Agent": "certledger"})  # noqa: S310 - the scheme was checked
    try:
        with opener.open(request, timeout=TIMEOUT) as answer, target.open("wb") as file:
            total = int(answer.headers.get("Content-Length") or 0)
            _check_size(url, total)
            done = 0
            while block := answer.read(_CHUNK):
                done += len(block)
                _check_size(url, done)
                file.write(block)
                progress(done, total)
    except urllib.error.HTTPError as error:
        raise DownloadError(f"{url} cannot be had: {error.code} {error.reason}", _NEXT) from error
    except urllib.error.URLError as error:
        raise DownloadError(f"{url} cannot be reached: {error.reason}", _NEXT) from error
    except (http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise DownloadError(f"{url} was not received: {str(error) or type(error).__name__}", _NEXT) from error
    if total and done != total:
        raise DownloadError(f"{url} was received in part only: {done} of {total} bytes", _NEXT)


_NEXT = "try again, or get the archive in another way and name it with --archive"


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but from TLS into plain text only where that is allowed."""

    def __init__(self, *, plain: bool) -> None:
        self._plain = plain

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        _check(newurl, plain=self._plain)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check(url: str, *, plain: bool) -> None:
    scheme = urlsplit(url).scheme
    if scheme == "http" and not plain:
        raise DownloadError(
            f"{url} is plain text, in which anybody on the way can change it",
            "use https, or give the archive's digest with --sha256",
        )
    if scheme not in ("http", "https"):
        raise DownloadError(
            f"{url} is no address of an archive", "begin it with https://, or name a file with --archive"
        )


def _check_size(url: str, size: int) -> None:
    if size > MAX_ARCHIVE:
        raise DownloadError(f"{url} is larger than any release of Fabric: more than {MAX_ARCHIVE} bytes", _NEXT)
