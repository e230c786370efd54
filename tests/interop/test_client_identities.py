"""The official clients with keys of every kind, as strangers, and with a TLS certificate of their own."""

import re
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509 import load_pem_x509_certificate

from tests.authorities import Ca, Key
from tests.interop.conftest import Client
from tests.interop.programs import Failure

FAILED_PRECONDITION, ABORTED, UNAVAILABLE = 9, 10, 14


def citys(client: Client) -> Ca:
    """The city's certificate authority."""
    home = client.service.folder.organisation("City") / "ca"
    key = serialization.load_pem_private_key((home / "ca.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return Ca(load_pem_x509_certificate((home / "ca.crt").read_bytes()), key)


def somebody(ca: Ca, key: Key, folder: Path) -> dict[str, str]:
    """A client with a certificate of this authority: its files, as the programs take them."""
    holder = ca.issue("interop-01", "client", key=key, begin=datetime.now(UTC))
    (folder / "cert.pem").write_bytes(holder.pem)
    (folder / "key.pem").write_bytes(holder.key_pem)
    paths = {"certificate": str(folder / "cert.pem"), "key": str(folder / "key.pem")}
    return {"organisation": "City", "user": "issuer", **paths}


@pytest.mark.parametrize(
    ("key", "hash_name"),
    [
        (ec.generate_private_key(ec.SECP256R1()), "sha256"),
        (ec.generate_private_key(ec.SECP384R1()), "sha256"),
        (ed25519.Ed25519PrivateKey.generate(), "none"),
    ],
    ids=["P-256", "P-384", "Ed25519"],
)
def test_keys_of_every_kind_sign(client: Client, tmp_path: Path, key: Key, hash_name: str) -> None:
    who = {**somebody(citys(client), key, tmp_path), "hash": hash_name}
    name = token_hex(8)
    done = client("submitAsync", "Put", name, "signed", **{"as": who})
    assert done["status"]["successful"] is True
    assert client("evaluate", "Get", name, **{"as": who}) == "signed"
    start = done["status"]["blockNumber"]
    (event,) = client("events", kind="chaincode", startBlock=start, count=1, **{"as": who})
    assert event["transactionId"] == done["transactionId"]
    assert len(client("events", kind="filtered", startBlock=start, count=1, **{"as": who})) == 1


def test_a_digest_of_another_hash_is_no_signature(client: Client) -> None:
    who = {"organisation": "City", "user": "issuer", "hash": "sha3_256"}
    with pytest.raises(Failure) as caught:
        client("submit", "Put", token_hex(8), "x", **{"as": who})
    assert (caught.value.kind, caught.value.code) == ("EndorseError", ABORTED)
    (detail,) = caught.value.details
    assert detail["mspId"] == "CityMSP"
    assert detail["message"].endswith("access denied: channel [certificates] creator org [CityMSP]")


def test_a_stranger_with_an_organisations_name_is_refused(client: Client, tmp_path: Path) -> None:
    who = somebody(Ca.root("ca.elsewhere"), ec.generate_private_key(ec.SECP256R1()), tmp_path)
    with pytest.raises(Failure) as caught:
        client("evaluate", "Get", "a", **{"as": who})
    assert (caught.value.kind, caught.value.code) == ("GatewayError", FAILED_PRECONDITION)
    (detail,) = caught.value.details
    assert "access denied" in detail["message"]


# The profile says where peers take a client's TLS certificate; the embedded network's peers demand one there.
MUTUAL = {"organisation": "City", "user": "auditor", "tlsCertificate": True, "url": "mutualTlsUrl"}
BLOCK_KINDS = ("block", "filtered", "private")


def test_a_clients_tls_certificate_binds_its_requests(client: Client) -> None:
    name = token_hex(8)
    done = client("submitAsync", "Put", name, "bound", **{"as": MUTUAL})
    assert done["status"]["successful"] is True
    assert client("evaluate", "Get", name, **{"as": MUTUAL}) == "bound"
    start = done["status"]["blockNumber"]
    for kind in ("chaincode", *BLOCK_KINDS):
        assert len(client("events", kind=kind, startBlock=start, count=1, **{"as": MUTUAL})) == 1


@pytest.mark.embedded
def test_where_a_certificate_is_demanded_blocks_go_to_nobody_elses(client: Client) -> None:
    """As real Fabric does where `peer.tls.clientAuthRequired` is true; it checks the hash of nothing but these."""
    another = {**MUTUAL, "tlsHash": sha256(b"another certificate").hexdigest()}
    for kind in BLOCK_KINDS:
        with pytest.raises(Failure) as caught:
            client("events", kind=kind, startBlock=0, count=1, **{"as": another})
        assert re.search("Unexpected status response: (400|BAD_REQUEST)", caught.value.message)
    assert client("evaluate", "Repeat", "x", "1", **{"as": another}) == "x"


@pytest.mark.embedded
def test_where_a_certificate_is_demanded_nobody_comes_in_without(client: Client) -> None:
    without = {"organisation": "City", "user": "auditor", "url": MUTUAL["url"], "seconds": 20}
    with pytest.raises(Failure) as caught:
        client("evaluate", "Repeat", "x", "1", **{"as": without})
    assert (caught.value.kind, caught.value.code) == ("GatewayError", UNAVAILABLE)
