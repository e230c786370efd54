"""Where records stand in the state."""

from chaincode.ledger.composite_key import create_composite_key

CERTIFICATE = "certificate"
BATCH = "batch"
STATUS = "status"


def certificate_key(certificate_id: str) -> str:
    """The key of a certificate's record."""
    return create_composite_key(CERTIFICATE, [certificate_id])


def batch_key(batch_id: str) -> str:
    """The key of a batch's record."""
    return create_composite_key(BATCH, [batch_id])


def status_key(batch_id: str, leaf: str) -> str:
    """The key of the status of a batch's member, named by its leaf hash."""
    return create_composite_key(STATUS, [batch_id, leaf])
