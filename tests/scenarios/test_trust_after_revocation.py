"""A data centre's peer loses its key, and the consortium revokes its certificate: what is left of what it attested."""

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fabric_protos.msp import identities_pb2

from network import configuration
from network.authority import Authority
from network.folder import Folder
from network.topology import Organisation
from node_client.certificates.receipt import Receipt
from node_client.certificates.receipt_file import read_receipt
from node_client.protocol.config_edits import with_revocation_lists
from node_client.protocol.transaction import parse_transaction
from tests.conftest import Commands


def endorsers(receipt: Receipt) -> dict[str, x509.Certificate]:
    """Who attested a receipt's record: MSP id → certificate."""
    found = {}
    for one in parse_transaction(receipt.attestation).endorsements:
        identity = identities_pb2.SerializedIdentity.FromString(one.endorser)
        found[identity.mspid] = x509.load_pem_x509_certificate(identity.id_bytes)
    return found


def revoke(folder: Folder, organisation: Organisation, certificate: x509.Certificate) -> None:
    """Have the channel's configuration say that a certificate is revoked."""
    home = folder.organisation(organisation.name) / "ca"
    authority, now = Authority.load(home / "ca.key", home / "ca.crt"), datetime.now(UTC)
    entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(now).build()
    crl = authority.sign_revocation_list([entry], number=1, now=now).public_bytes(Encoding.PEM)
    configuration.change(folder, organisation, lambda config: with_revocation_lists(config, organisation.msp_id, [crl]))


def test_a_receipt_whose_endorser_was_revoked_is_confirmed_anew_or_not_at_all(own_network: Folder) -> None:
    commands = Commands(own_network, own_network.path.parent)
    path = commands.document("a.pdf")
    (issued,) = commands.ok("issue", path.name)
    (before,) = commands.ok("network", "export-trust", "before.json")
    receipt_file = commands.home / "a.pdf.receipt.json"
    first = endorsers(read_receipt(receipt_file))
    (centre,) = set(first) - {"CityMSP"}
    organisation = next(one for one in own_network.topology().organisations if one.msp_id == centre)

    revoke(own_network, organisation, first[centre])
    (after,) = commands.ok("network", "export-trust", "after.json")
    assert before["ranges"] == [0]
    assert len(after["ranges"]) == 2
    assert before["sha256"] != after["sha256"]

    def offline(trust: str) -> tuple[int, dict[str, str]]:
        result = commands("verify", path.name, "--offline", "--trust", trust, "--json")
        return result.status, {one["name"]: one["outcome"] for one in result.records[0]["checks"]}

    assert offline("before.json")[1]["endorsements"] == "passed"
    status, outcomes = offline("after.json")
    assert (status, outcomes["endorsements"]) == (7, "failed")

    # The other data centre stands in: it attests the record under what holds now.
    commands.ok("network", "export-trust", own_network.path / "trust.json")
    commands.ok("receipt", "refresh", issued["certificateId"])
    receipt_file.unlink()
    assert commands("receipt", "export", issued["certificateId"], "--out", receipt_file.name).status == 0
    assert centre not in endorsers(read_receipt(receipt_file))
    assert offline("after.json")[1]["endorsements"] == "passed"
    assert commands("verify", path.name, "--trust", "after.json").status == 0
    # The revoked peer may get no more blocks; nothing else is wrong.
    (audited,) = commands("audit", "--json").records
    assert {(one["what"], one["peer"]) for one in audited["findings"]} <= {("height", organisation.peer_name)}
