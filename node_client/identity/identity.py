"""An organisation's member."""

from dataclasses import dataclass
from functools import cached_property

from fabric_protos.msp import identities_pb2


@dataclass(frozen=True)
class Identity:
    """A certificate and the MSP that vouches for it.

    Attributes:
        msp_id: the MSP's id.
        certificate: the certificate, PEM.
    """

    msp_id: str
    certificate: bytes

    @cached_property
    def serialized(self) -> bytes:
        """The identity as it stands in messages: `msp.SerializedIdentity`."""
        return identities_pb2.SerializedIdentity(mspid=self.msp_id, id_bytes=self.certificate).SerializeToString()
