"""Fabric's programs in the cache folder: whole or not at all, and only with a digest that somebody vouches for."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from network.errors import BinariesError, DownloadError, NotConfirmed
from network.fabric import binaries, download
from network.fabric.installing import Installed, install
from tests.unit.network.fabric.test_release_archives import FILES, PROGRAM, archive

GOOD = archive()
DIGEST = sha256(GOOD).hexdigest()


class Place:
    """A cache folder, and what was asked of whoever installs into it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {"XDG_CACHE_HOME": str(home / "cache"), "PATH": os.environ["PATH"]}
        self.asked: list[tuple[str, str]] = []
        self.answer = False

    def install(self, **options: Any) -> Installed:
        return install(confirm=self._confirm, environment=self.environment, **options)

    def file(self, data: bytes, name: str = "fabric.tar.gz") -> Path:
        path = self.home / name
        path.write_bytes(data)
        return path

    def _confirm(self, name: str, digest: str) -> bool:
        self.asked.append((name, digest))
        return self.answer

    @property
    def there(self) -> list[str]:
        """What is in the folder."""
        folder = self.home / "cache" / "certledger" / "fabric"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_programs_are_found_where_they_were_installed(place: Place) -> None:
    done = place.install(archive=place.file(GOOD), sha256=f"SHA256:{DIGEST.upper()}")
    assert (done.version, done.sha256, done.already) == ("3.1.5", DIGEST, False)
    assert place.asked == []
    found = binaries.find({**place.environment, "PATH": ""})
    assert found.peer.parent == done.folder == binaries.cache(place.environment)
    assert place.there == [f"3.1.5-{DIGEST}", "bin"]


def test_the_same_again_is_there_already(place: Place) -> None:
    for already in (False, True):
        assert place.install(archive=place.file(GOOD), sha256=DIGEST).already is already
    # Nor is it fetched or asked about again.
    assert place.install(url="http://127.0.0.1:1/", sha256=DIGEST).already
    assert place.install(archive=place.file(GOOD)).already
    assert place.asked == []
    next(iter(binaries.cache(place.environment).iterdir())).write_text("damaged")
    assert not place.install(archive=place.file(GOOD), sha256=DIGEST).already
    assert binaries.at(binaries.cache(place.environment)).version == "3.1.5"


def test_another_release_takes_its_place(place: Place) -> None:
    place.install(archive=place.file(GOOD), sha256=DIGEST)
    newer = archive({name: data.replace(b"3.1.5", b"3.1.9") for name, data in FILES.items()})
    done = place.install(archive=place.file(newer), sha256=sha256(newer).hexdigest())
    assert done.version == "3.1.9"
    assert place.there == [f"3.1.9-{done.sha256}", "bin"]
    assert binaries.find({**place.environment, "PATH": ""}).version == "3.1.9"


@pytest.mark.parametrize("answer", [True, False])
def test_without_a_digest_somebody_is_asked(place: Place, answer: bool) -> None:
    place.answer = answer
    path = place.file(GOOD)
    if answer:
        assert place.install(archive=path).version == "3.1.5"
    else:
        with pytest.raises(NotConfirmed, match=DIGEST) as caught:
            place.install(archive=path)
        assert "--sha256" in caught.value.next_step
        assert place.there == []
    assert place.asked == [(str(path), DIGEST)]


@pytest.mark.parametrize(
    ("data", "digest", "why"),
    [
        (GOOD, "0" * 64, f"has the SHA-256 {DIGEST}, and not 0000"),
        (GOOD, "abc", "no SHA-256"),
        (GOOD[: len(GOOD) // 2], "", "damaged or truncated"),
        (archive({**FILES, "bin/peer": b"\x7fELF\x02\x01\x01" + bytes(100)}), "", "not for this platform, or damaged"),
        (archive({**FILES, "bin/peer": PROGRAM.replace(b"3.1", b"2.5")}), "", "is of version 2.5.5, and Fabric v3.1"),
        (archive({**FILES, "bin/peer": PROGRAM.replace(b"1.5", b"1.4")}), "", "different versions"),
        (archive({**FILES, "bin/peer": b"#!/bin/sh\nexit 3\n"}), "", "does not say its version"),
        (archive({"bin/peer": PROGRAM}), "", "has no bin/orderer"),
    ],
)
def test_what_cannot_be_used_leaves_everything_as_it_was(place: Place, data: bytes, digest: str, why: str) -> None:
    place.answer = True
    for before in ([], [f"3.1.5-{DIGEST}", "bin"]):
        with pytest.raises(BinariesError, match=why):
            place.install(archive=place.file(data), sha256=digest)
        assert place.there == before
        good = place.file(GOOD, "good.tar.gz")
        place.install(archive=good, sha256=DIGEST)


def test_a_folder_of_somebody_else_is_left_alone(place: Place) -> None:
    own = binaries.cache(place.environment)
    own.mkdir(parents=True)
    with pytest.raises(BinariesError, match="not put there by this command"):
        place.install(archive=place.file(GOOD), sha256=DIGEST)
    assert list(own.iterdir()) == []


def test_an_archive_that_is_not_there(place: Place) -> None:
    with pytest.raises(BinariesError, match="No such file"):
        place.install(archive=place.home / "missing", sha256=DIGEST)
    assert place.there == []


# From the net


class Site:
    """A site on this machine, with an answer for every path."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.answers[self.path](self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


def giving(data: bytes, length: int | None = None) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data) if length is None else length))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def redirecting(url: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", url)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


def test_it_is_fetched_and_told_how_far(place: Place, site: Site) -> None:
    site.answers = {"/fabric.tar.gz": giving(GOOD), "/elsewhere": redirecting("/fabric.tar.gz")}
    told: list[tuple[int, int]] = []
    done = place.install(
        url=f"{site.url}/elsewhere", sha256=DIGEST, progress=lambda here, total: told.append((here, total))
    )
    assert (done.version, done.already) == ("3.1.5", False)
    assert told[-1] == (len(GOOD), len(GOOD))
    assert place.there == [f"3.1.5-{DIGEST}", "bin"]


def test_what_is_fetched_in_part_is_not_used(place: Place, site: Site) -> None:
    site.answers = {"/fabric.tar.gz": giving(GOOD[:-100], len(GOOD))}
    with pytest.raises(DownloadError, match="received"):
        place.install(url=f"{site.url}/fabric.tar.gz", sha256=DIGEST)
    assert place.there == []


def test_a_wrong_answer_is_told(place: Place, site: Site) -> None:
    site.answers = {"/fabric.tar.gz": lambda handler: handler.send_error(404)}
    with pytest.raises(DownloadError, match="cannot be had: 404"):
        place.install(url=f"{site.url}/fabric.tar.gz", sha256=DIGEST)


def test_nobody_there(place: Place) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # and nobody listens
        with pytest.raises(DownloadError, match="cannot be reached"):
            place.install(url=f"http://127.0.0.1:{silent.getsockname()[1]}/fabric.tar.gz", sha256=DIGEST)


def test_too_large(place: Place, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "MAX_ARCHIVE", 100)
    site.answers = {"/fabric.tar.gz": giving(GOOD)}
    with pytest.raises(DownloadError, match="larger than any release"):
        place.install(url=f"{site.url}/fabric.tar.gz", sha256=DIGEST)


@pytest.mark.parametrize("url", ["ftp://example/x", "file:///etc/passwd", "fabric.tar.gz"])
def test_addresses_of_other_kinds(place: Place, url: str) -> None:
    with pytest.raises(DownloadError, match="no address of an archive"):
        place.install(url=url, sha256=DIGEST)


def test_plain_text_needs_a_digest(place: Place, site: Site) -> None:
    place.answer = True
    with pytest.raises(DownloadError, match="plain text") as caught:
        place.install(url=f"{site.url}/fabric.tar.gz")
    assert "--sha256" in caught.value.next_step


def test_redirects_lead_to_no_other_kind(place: Place, site: Site) -> None:
    site.answers = {"/fabric.tar.gz": redirecting("ftp://127.0.0.1/fabric.tar.gz")}
    with pytest.raises(DownloadError, match="no address of an archive"):
        place.install(url=f"{site.url}/fabric.tar.gz", sha256=DIGEST)
