"""Revoking an identity: its certificate gets onto the revocation list of its organisation's MSP, in the channel.

The list is signed by the organisation's certificate authority, the update of the channel by the organisation's own
admins: the MSP is the organisation's own affair, whatever else needs the city and a data centre.

The list is kept in the organisation's folder, too, from which its nodes read it when they start: a peer asks its own
folder, not the channel, who may administer it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography import x509

from network import revocation
from network.authority import Authority
from network.configuration import change
from network.crypto import user_names
from network.errors import FolderError, NetworkError
from network.folder import Folder
from network.given_files import read_given
from network.topology import Organisation
from network.trust import extend_trust
from node_client.durable import make_folder, replace_file
from node_client.protocol.certificates import load_certificate, subject_units
from node_client.protocol.config_edits import revocation_lists, with_revocation_lists
from node_client.protocol.config_update import NoDifference
from node_client.protocol.errors import ProtocolError

Lists = list[x509.CertificateRevocationList]


@dataclass(frozen=True)
class Revoked:
    """What revoking came to.

    Attributes:
        serial_numbers: of the certificates that were to be revoked; empty where a whole list was given.
        block: the block that puts it into force; None when it was in force already.
        lists: the organisation's revocation lists as they are now.
    """

    organisation: Organisation
    serial_numbers: tuple[int, ...]
    block: int | None
    lists: tuple[x509.CertificateRevocationList, ...]


def revoke(
    folder: Folder, organisation: Organisation, certificates: Sequence[x509.Certificate], reason: str
) -> Revoked:
    """Revoke certificates of an organisation whose authority's key is in this folder.

    Raises:
        NetworkError, FabricError: they could not be revoked, or the channel does not take it.
    """
    home = folder.organisation(organisation.name)
    try:
        authority = Authority.load(home / "ca" / "ca.key", home / "ca" / "ca.crt")
    except (OSError, ValueError) as error:
        raise FolderError(
            f"the organisation's certificate authority cannot be read: {error}",
            "have the authority make a revocation list, and give it with --crl",
        ) from error

    def extended(lists: Lists) -> Lists:
        if all(revocation.is_listed(one, lists) for one in certificates):
            return lists
        return revocation.joined(lists, revocation.extended(authority, lists, certificates, reason))

    def renewed(lists: Lists) -> Lists:
        return revocation.joined(lists, revocation.extended(authority, lists, []))

    serial_numbers = tuple(one.serial_number for one in certificates)
    done = _publish(folder, organisation, serial_numbers, extended)
    if done.block is not None and any("peer" in subject_units(one) for one in certificates):
        # Fabric's peers look through the peers that they know when a configuration comes, and judge them by the one
        # before (`callbacks` of `core/peer/peer.go`): until the next one comes they go on asking a revoked peer for
        # endorsements that count for nothing. So the same list is published once more, under the next number.
        again = _publish(folder, organisation, serial_numbers, renewed)
        done = replace(again, block=done.block)
    return done


def publish_list(folder: Folder, organisation: Organisation, path: Path) -> Revoked:
    """Put a revocation list that an outside authority has made into force.

    Raises:
        NetworkError, FabricError: it is none, lacks what was revoked before, or the channel does not take it.
    """
    (new,) = revocation.read_lists([read_given(path)])
    return _publish(folder, organisation, (), lambda lists: revocation.joined(lists, new))


def certificate_of(folder: Folder, organisation: Organisation, name: str) -> x509.Certificate:
    """The certificate of a user or a node, by its name, such as `issuer` or `peer0.city`. Raises NetworkError."""
    home = folder.organisation(organisation.name)
    nodes = {organisation.peer_name: "peer", **{one.name: one.folder for one in organisation.orderers}}
    known = {**{user: f"users/{user}" for user in user_names(home)}, **nodes}
    if name not in known:
        raise NetworkError(f"{organisation.name} has no identity {name}", f"use one of: {', '.join(known)}")
    return read_certificate(home / known[name] / "msp" / "signcerts" / "cert.pem")


def read_certificate(path: Path) -> x509.Certificate:
    """A certificate from its file. Raises NetworkError."""
    data = read_given(path)
    try:
        return load_certificate(data)
    except ProtocolError as error:
        raise NetworkError(f"{path} is no certificate: {error}") from error


def _publish(
    folder: Folder,
    organisation: Organisation,
    serial_numbers: tuple[int, ...],
    make: Callable[[Lists], Lists],
) -> Revoked:
    """Put lists into force that are made of those that the channel and the folder have."""
    made: Lists = []
    kept = revocation.kept_lists(folder.organisation(organisation.name))

    def edit(config: bytes) -> bytes:
        made[:] = make(revocation.read_lists(dict.fromkeys([*revocation_lists(config, organisation.msp_id), *kept])))
        return with_revocation_lists(config, organisation.msp_id, [revocation.to_pem(one) for one in made])

    block = None
    try:
        config = change(folder, organisation, edit)
        block = config.block.number
        extend_trust(folder.path / "trust.json", config)
    except NoDifference:
        pass
    try:
        _keep(folder, organisation, made)
    except OSError as error:
        raise FolderError(f"it is revoked, but the list cannot be kept in the folder: {error}") from error
    return Revoked(organisation, serial_numbers, block, tuple(made))


def _keep(folder: Folder, organisation: Organisation, lists: Iterable[x509.CertificateRevocationList]) -> None:
    """Keep the lists in the organisation's MSP folder and in its nodes'.

    A node whose own certificate is listed does not get them: Fabric's would not start any more.
    """
    home = folder.organisation(organisation.name)
    lists = list(lists)
    for name in ("", "peer", *(one.folder for one in organisation.orderers)):
        msp = home / name / "msp"
        certificate = msp / "signcerts" / "cert.pem"
        if certificate.exists() and revocation.is_listed(read_certificate(certificate), lists):
            continue
        make_folder(msp / revocation.CRLS)
        for one in lists:
            replace_file(msp / revocation.CRLS / f"{revocation.authority_name(one)}.pem", revocation.to_pem(one))
