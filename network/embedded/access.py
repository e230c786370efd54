"""Whether a client may go on reading blocks.

Source: Fabric's `common/deliver/acl.go`, `common/crypto/expiration.go`.
"""

from collections.abc import Callable

from network.embedded.seek import Refused, Status
from node_client.protocol.config import ChannelConfig
from node_client.protocol.errors import ProtocolError
from node_client.protocol.policy import SignedData, signers


class ReadAccess:
    """One request's access, to be checked before every block.

    The policy is asked once, and again when the channel's configuration has changed; the certificate's expiry every
    time.

    Args:
        config: gives the channel's configuration in force.
        policy: gives the path of the policy that readers must satisfy.
        signed: the request's signature.
    """

    def __init__(
        self,
        config: Callable[[], ChannelConfig],
        policy: Callable[[ChannelConfig], str],
        signed: SignedData,
    ) -> None:
        self._config = config
        self._policy = policy
        self._signed = signed
        self._expires = _expiry(config(), signed.identity)
        self._checked: int | None = None

    def check(self, now: int) -> None:
        """Check that the client may read the next block.

        Args:
            now: nanoseconds since 1970.

        Raises:
            Refused: its certificate has expired, or the policy is not satisfied.
        """
        if self._expires is not None and now > self._expires:
            raise Refused(Status.FORBIDDEN, "the client's certificate has expired")
        config = self._config()
        if self._checked is not None and config.sequence <= self._checked:
            return
        self._checked = config.sequence
        path = self._policy(config)
        try:
            admitted = config.policy(path).satisfied_by(signers(config.msp_manager, [self._signed]))
        except ProtocolError as error:
            raise Refused(Status.FORBIDDEN, str(error)) from error
        if not admitted:
            raise Refused(Status.FORBIDDEN, f"the client does not satisfy {path}")


def _expiry(config: ChannelConfig, identity: bytes) -> int | None:
    """When an identity expires, in nanoseconds since 1970; None when that cannot be known."""
    try:
        return int(config.msp_manager.member(identity).expires_at.timestamp()) * 10**9
    except ProtocolError:
        return None
