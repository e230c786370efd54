"""Connection profiles: what they say, and what is said of those that do not say it."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node_client import ConnectionProfile
from node_client.errors import ProfileError
from tests.unit.node_client.people import person

SOMEONE = person("issuer-01")


@pytest.fixture
def content(tmp_path: Path) -> dict[str, Any]:
    """A whole profile, whose paths are partly relative to its folder."""
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "cert.pem").write_bytes(SOMEONE.certificate)
    (keys / "key.pem").write_bytes(SOMEONE.key)
    (keys / "root.pem").write_bytes(b"root")
    tls = {"cert": "keys/cert.pem", "private_key": str(keys / "key.pem")}
    return {
        "channel": "certificates",
        "organizations": {
            "City": {
                "mspid": "CityMSP",
                "peers": ["peer0.city", "peer1.city"],
                "users": {
                    "issuer": {"cert": "keys/cert.pem", "private_key": str(keys / "key.pem"), "tls": tls},
                    "reader": {"cert": "keys/cert.pem", "private_key": "keys/key.pem"},
                },
            }
        },
        "peers": {
            "peer0.city": {
                "url": "grpcs://localhost:7051",
                "tlsCACerts": {"path": "keys/root.pem"},
                "grpcOptions": {"ssl-target-name-override": "peer0.city"},
            },
            "peer1.city": {"url": "grpc://10.0.0.1:7051"},
            "peer2.city": {"url": "grpcs://localhost:7052", "tlsCACerts": {"pem": "root as text"}},
        },
    }


@pytest.fixture
def load(content: dict[str, Any], tmp_path: Path) -> Callable[[], ConnectionProfile]:
    def load() -> ConnectionProfile:
        path = tmp_path / "connection.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        return ConnectionProfile.load(path)

    return load


def test_a_profile_says_who_is_where(load: Callable[[], ConnectionProfile]) -> None:
    profile = load()
    assert profile.channel == "certificates"
    assert profile.msp_id("City") == "CityMSP"
    identity = profile.identity("City", "issuer")
    assert (identity.msp_id, identity.certificate) == ("CityMSP", SOMEONE.certificate)
    assert len(profile.signer("City", "reader").sign(b"x" * 32)) > 60


def test_a_peer_is_the_first_one_unless_it_is_named(load: Callable[[], ConnectionProfile]) -> None:
    profile = load()
    first = profile.endpoint("City")
    assert (first.address, first.tls_roots, first.server_name) == ("localhost:7051", b"root", "peer0.city")
    assert (first.client_certificate, first.client_key) == (None, None)
    second = profile.endpoint("City", "peer1.city")
    assert (second.address, second.tls_roots, second.server_name) == ("10.0.0.1:7051", None, "")
    assert profile.endpoint("City", "peer2.city").tls_roots == b"root as text"


def test_a_user_with_a_tls_certificate_shows_it(load: Callable[[], ConnectionProfile]) -> None:
    profile = load()
    shown = profile.endpoint("City", user="issuer")
    assert (shown.client_certificate, shown.client_key) == (SOMEONE.certificate, SOMEONE.key)
    assert profile.endpoint("City", user="reader").client_certificate is None
    with pytest.raises(ProfileError, match=r"lacks organizations\.City\.users\.nobody"):
        profile.endpoint("City", user="nobody")


def test_a_user_with_a_tls_certificate_goes_where_one_is_demanded(
    load: Callable[[], ConnectionProfile], content: dict[str, Any]
) -> None:
    content["peers"]["peer0.city"]["mutualTlsUrl"] = "grpcs://localhost:7059"
    profile = load()
    assert profile.endpoint("City", user="issuer").address == "localhost:7059"
    assert profile.endpoint("City", user="reader").address == "localhost:7051"
    assert profile.endpoint("City").address == "localhost:7051"


def test_what_a_profile_lacks_is_named(load: Callable[[], ConnectionProfile], content: dict[str, Any]) -> None:
    del content["peers"]["peer0.city"]["url"]
    del content["organizations"]["City"]["users"]["reader"]["private_key"]
    content["organizations"]["Town"] = {"mspid": "TownMSP", "peers": []}
    profile = load()
    for ask, missing in (
        (lambda: profile.endpoint("City"), "peers.peer0.city.url"),
        (lambda: profile.signer("City", "reader"), "organizations.City.users.reader.private_key"),
        (lambda: profile.endpoint("Town"), "organizations.Town.peers.0"),
        (lambda: profile.identity("Village", "issuer"), "organizations.Village"),
    ):
        with pytest.raises(ProfileError, match=f"lacks {missing}"):
            ask()


@pytest.mark.parametrize("url", ["localhost:7051", "http://localhost:7051", "grpc+tls://localhost:7051", "://x:1", ""])
def test_an_address_is_never_taken_for_one_without_tls(
    load: Callable[[], ConnectionProfile], content: dict[str, Any], url: str
) -> None:
    content["peers"]["peer0.city"]["url"] = url
    with pytest.raises(ProfileError, match="write grpcs://host:port"):
        load().endpoint("City")


@pytest.mark.parametrize(
    "value", [None, [], "text", 7, {}, {"path": None}, {"path": 7}, {"path": "nowhere"}, {"path": "a\0b"}]
)
def test_roots_that_are_not_as_they_must_be_are_refused(
    load: Callable[[], ConnectionProfile], content: dict[str, Any], value: object
) -> None:
    content["peers"]["peer0.city"]["tlsCACerts"] = value
    with pytest.raises(ProfileError):
        load().endpoint("City")


def test_a_key_that_is_none_is_refused(load: Callable[[], ConnectionProfile], content: dict[str, Any]) -> None:
    content["organizations"]["City"]["users"]["reader"]["private_key"] = "keys/cert.pem"
    with pytest.raises(ProfileError, match="the key of reader cannot be used"):
        load().signer("City", "reader")


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"7", b'"text"', b"\xff\xfe"])
def test_a_file_that_is_no_profile_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "connection.json").write_bytes(text)
    with pytest.raises(ProfileError, match="is not a connection profile"):
        ConnectionProfile.load(tmp_path / "connection.json")
    with pytest.raises(ProfileError, match="cannot be read"):
        ConnectionProfile.load(tmp_path / "nothing.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.sampled_from(["path", "pem", "cert", "tls"]), below),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0), value=JSON)
def test_whatever_stands_in_a_profile_it_is_used_or_refused(
    load: Callable[[], ConnectionProfile], content: dict[str, Any], place: int, value: object
) -> None:
    places: list[tuple[dict[str, Any], str]] = []

    def walk(section: object) -> None:
        if isinstance(section, dict):
            for name, below in section.items():
                places.append((section, name))
                walk(below)

    walk(content)
    section, name = places[place % len(places)]
    before = section[name]
    section[name] = value
    try:
        profile = load()
        for ask in (
            lambda: profile.channel,
            lambda: profile.endpoint("City", user="issuer"),
            lambda: profile.endpoint("City", "peer2.city", user="reader"),
            lambda: profile.signer("City", "reader"),
            lambda: profile.identity("City", "issuer"),
        ):
            with suppress(ProfileError):
                ask()
    finally:
        section[name] = before
