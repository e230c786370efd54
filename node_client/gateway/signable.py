"""What is signed before it is sent: a proposal, a transaction, a question after one, a request for events."""

from node_client.gateway.session import Session


class Signable:
    """Bytes, and the signature over them.

    The signature is made by the connection's signer when it is first needed, unless one was given: signing elsewhere
    is no separate mode.

    Attributes:
        data: what is signed.
    """

    def __init__(self, session: Session, data: bytes, signature: bytes = b"") -> None:
        self._session = session
        self._signature = signature
        self.data = data

    @property
    def digest(self) -> bytes:
        """What a signer gets: the hash of `data`."""
        return self._session.hash.digest(self.data)

    @property
    def signature(self) -> bytes:
        """The signature, made now if there is none. Raises NotSigned without a signer."""
        if not self._signature:
            self._signature = self._session.sign(self.digest)
        return self._signature
