"""Receipts in the form of COSE Receipts (RFC 9942): an inclusion proof of RFC 9162, under a root that the issuer signs.

For verifiers that are not ours. The entry whose place is proven is the certificate's id (16 bytes) and its commitment
(32 bytes); a certificate that is in no batch is a tree of its own. What it proves is less than our receipt's: the
issuer's word alone, and nothing of the ledger or of revocation.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cbor2
from cryptography.hazmat.primitives.serialization import Encoding

from chaincode.registry.model import merkle
from node_client.certificates import signatures
from node_client.certificates.receipt import Receipt
from node_client.protocol.certificates import load_certificate

if TYPE_CHECKING:
    from node_client.identity.identity import Identity
    from node_client.identity.signer import Signer

SUFFIX = ".receipt.cose"
_SIGN1 = 18  # the tag of COSE_Sign1 (RFC 9052 §4.2)
_ALG, _CWT_CLAIMS, _X5CHAIN, _VDS, _VDP = 1, 15, 33, 395, 396  # header parameters; RFC 9052, 9597, 9360, 9942
_ISSUER, _SUBJECT = 1, 2  # claims (RFC 8392)
_RFC9162_SHA256 = 1  # the verifiable data structure (RFC 9942 §5)
_INCLUSION = -1


def cose_receipt(
    *,
    certificate_id: str,
    commitment: str,
    index: int,
    size: int,
    path: Sequence[bytes],
    subject: str,
    identity: "Identity",
    signer: "Signer",
) -> bytes:
    """A certificate's COSE Receipt: `COSE_Sign1`, whose payload is the tree's root and is left out.

    Args:
        index, size, path: the certificate's place in its batch and the proof of it; 0, 1 and nothing without a batch.
        subject: what the tree is of, such as `urn:certledger:batch:…`.
        identity, signer: the issuer's.

    Raises:
        ValueError: the proof proves nothing, or the issuer's key signs nothing that COSE knows.
    """
    certificate = load_certificate(identity.certificate)
    algorithm = signatures.algorithm_of(certificate)
    leaf = merkle.leaf_hash(merkle.certificate_leaf(certificate_id, commitment))
    root = merkle.root_of(leaf, index, size, path)
    protected = _cbor(
        {
            _ALG: algorithm.cose,
            _CWT_CLAIMS: {_ISSUER: identity.msp_id, _SUBJECT: subject},
            _X5CHAIN: certificate.public_bytes(Encoding.DER),
            _VDS: _RFC9162_SHA256,
        }
    )
    signature = signatures.sign(signer, algorithm, _cbor(["Signature1", protected, b"", root]))
    proof = _cbor([size, index, list(path)])
    return _cbor(cbor2.CBORTag(_SIGN1, [protected, {_VDP: {_INCLUSION: [proof]}}, None, signature]))


def receipt_in_cose(receipt: Receipt, identity: "Identity", signer: "Signer") -> bytes:
    """A receipt as a COSE Receipt. Arguments and errors are those of `cose_receipt`."""
    place = receipt.inclusion
    subject = f"batch:{place.batch_id}" if place else f"certificate:{receipt.certificate_id}"
    return cose_receipt(
        certificate_id=receipt.certificate_id,
        commitment=receipt.commitment,
        index=place.index if place else 0,
        size=place.size if place else 1,
        path=place.path if place else (),
        subject=f"urn:certledger:{subject}",
        identity=identity,
        signer=signer,
    )


def _cbor(value: object) -> bytes:
    """The deterministic encoding (RFC 8949 §4.2.1)."""
    return cbor2.dumps(value, canonical=True)
