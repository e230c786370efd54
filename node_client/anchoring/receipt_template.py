"""The receipts of a batch, of which only the certificate's own part is written anew for each.

The parts stand in the order of RFC 8785: attestation, batch, certificateId, salt, schema, statement, transactionId.
"""

from collections.abc import Sequence

from node_client.anchoring.template import Kind
from node_client.certificates.receipt import Inclusion, Receipt
from node_client.certificates.statement import Statement

_ID, _SALT, _DIGEST = "0" * 32, bytes(32), "0" * 64


class ReceiptTemplate:
    """Writes the receipts of a batch's certificates: the same bytes that `Receipt.to_bytes` gives.

    Args:
        batch_id, size: the batch's.
        transaction_id: of the transaction that anchored it.
        attestation: of its record.
        kind: of any certificate.
    """

    def __init__(self, *, batch_id: str, size: int, transaction_id: str, attestation: bytes, kind: Kind) -> None:
        statement = kind.statement(_ID, _DIGEST, 1)
        text = Receipt(
            statement=Statement.from_bytes(statement),
            salt=_SALT,
            transaction_id=transaction_id,
            attestation=attestation,
            inclusion=Inclusion(batch_id, 0, size, ()),
        ).to_bytes()
        self._size = size
        before, _, rest = text.partition(self._place(0, ()))
        self._before = before
        self._between, _, self._after = rest.removeprefix(_own(_ID, _SALT)).partition(statement)

    def fill(self, certificate_id: str, salt: bytes, statement: bytes, index: int, path: Sequence[bytes]) -> bytes:
        """A certificate's receipt.

        Args:
            index: its place in the batch.
            path: its inclusion proof.
        """
        own = self._place(index, path) + _own(certificate_id, salt)
        return self._before + own + self._between + statement + self._after

    def _place(self, index: int, path: Sequence[bytes]) -> bytes:
        nodes = '","'.join([node.hex() for node in path])
        listed = f'"{nodes}"' if path else ""
        return f'"index":{index},"path":[{listed}],"size":{self._size}}},'.encode()


def _own(certificate_id: str, salt: bytes) -> bytes:
    return f'"certificateId":"{certificate_id}","salt":"{salt.hex()}"'.encode()
