"""What is published is read from files and from the web."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from node_client.certificates import fetching
from node_client.certificates.errors import DocumentError
from node_client.certificates.fetching import fetch


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path == "/list"
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(b"a list" if found else b"nothing")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_file_and_an_address_give_their_bytes(address: str, tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"another list")
    assert fetch(f"{address}/list") == b"a list"
    assert fetch(str(tmp_path / "list")) == b"another list"


def test_what_cannot_be_had_is_said(address: str, tmp_path: Path) -> None:
    for source in (
        f"{address}/other",
        "http://127.0.0.1:1/list",
        "http://",
        str(tmp_path),
        "file:///etc/hosts",
        "a\0b",
    ):
        with pytest.raises(DocumentError, match="cannot be read"):
            fetch(source)


def test_what_is_too_large_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MAX_SIZE", 5)
    with pytest.raises(DocumentError, match="more than 5 bytes"):
        fetch(f"{address}/list")
