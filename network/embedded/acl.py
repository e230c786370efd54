"""Who may call what, refused in Fabric's words.

A resource is guarded by a policy of the channel, or, where it is a peer's own, by a role in the peer's organisation.
Source: Fabric's `core/aclmgmt/defaultaclprovider.go`, `core/policy/policy.go`.
"""

from fabric_protos.msp import identities_pb2

from network.embedded.ledger import Ledger
from node_client.protocol.codec import parse
from node_client.protocol.errors import ProtocolError
from node_client.protocol.msp import Msp, MspError, MspManager
from node_client.protocol.policy import SignedData, signers

ADMINS, MEMBERS = "Admins", "Members"
# What only the peer's own organisation decides, whatever a channel's configuration says.
OF_THE_PEER = {
    "_lifecycle/InstallChaincode": ADMINS,
    "_lifecycle/QueryInstalledChaincode": ADMINS,
    "_lifecycle/GetInstalledChaincodePackage": ADMINS,
    "_lifecycle/QueryInstalledChaincodes": ADMINS,
    "_lifecycle/ApproveChaincodeDefinitionForMyOrg": ADMINS,
    "_lifecycle/QueryApprovedChaincodeDefinition": ADMINS,
    "_lifecycle/QueryApprovedChaincodeDefinitions": ADMINS,
    "cscc/JoinChain": ADMINS,
    "cscc/JoinChainBySnapshot": ADMINS,
    "cscc/JoinBySnapshotStatus": ADMINS,
    "cscc/GetChannels": MEMBERS,
}


class AccessDenied(Exception):
    """Somebody may not do something; the text is Fabric's."""


class AccessControl:
    """What one organisation's peer admits.

    Args:
        local: the organisation's MSP as the peer's own folder has it, which is read when the peer starts.
        ledger: the channel's.
    """

    def __init__(self, local: Msp, ledger: Ledger) -> None:
        self._local = MspManager([local])
        self._msp_id = local.name
        self._ledger = ledger

    def check(self, resource: str, channel: str, signed: SignedData) -> None:
        """Check that whoever signed may use a resource.

        Args:
            channel: the channel whose policy counts; empty in a call without one.

        Raises:
            AccessDenied: they may not.
        """
        if resource in OF_THE_PEER:
            self._check_own(OF_THE_PEER[resource], signed)
            return
        config = self._ledger.config
        if resource not in config.acls:
            raise AccessDenied(f"Unmapped policy for {resource}")
        path = config.acls[resource]
        if not channel:
            raise AccessDenied(
                f"Failed getting local MSP principal during channelless check policy with policy [{path}]: "
                f"[MSP Principal role [{path}] not recognized]"
            )
        self.check_policy(path, channel, signed)

    def check_signed(self, resource: str, channel: str, signed: SignedData) -> None:
        """The same for something that is no proposal, and always has a channel (`CheckPolicyBySignedData`)."""
        if not channel:
            raise AccessDenied(
                "Invalid channel ID name during check policy on signed data. Name must be different from nil."
            )
        self.check(resource, channel, signed)

    def check_admin(self, signed: SignedData) -> None:
        """Check that an admin of the peer's own organisation signed something. Raises AccessDenied."""
        member = next(iter(signers(self._local, [signed])), None)
        if member is None or not self._local.msps[self._msp_id].has_role(member, "admin"):
            raise AccessDenied("signature set did not satisfy policy")

    def check_policy(self, path: str, channel: str, signed: SignedData) -> None:
        """Check that whoever signed satisfies a policy of the channel. Raises AccessDenied."""
        config = self._ledger.config
        if channel != config.channel:
            raise AccessDenied(f"Failed to get policy manager for channel [{channel}]")
        members = signers(config.msp_manager, [signed])
        if text := config.unsatisfied(path, members):
            raise AccessDenied(
                f"Failed evaluating policy on signed data during check policy on channel [{channel}] with policy "
                f"[{path}]: [{text}]"
            )

    def _check_own(self, role: str, signed: SignedData) -> None:
        during = f"during channelless check policy with policy [{role}]"
        try:
            self._require_own(signed.identity)
            member = self._local.member(signed.identity)
        except ProtocolError as error:
            raise AccessDenied(f"Failed deserializing proposal creator {during}: [{error}]") from error
        if not self._local.msps[self._msp_id].has_role(member, "admin" if role == ADMINS else "member"):
            raise AccessDenied(
                f"Failed verifying that proposal's creator satisfies local MSP principal {during}: "
                f"[The identity is not an admin under this MSP [{self._msp_id}]: The identity does not contain OU "
                f"[ADMIN], MSP: [{self._msp_id}]]"
            )

    def _require_own(self, identity: bytes) -> None:
        msp_id = parse(identities_pb2.SerializedIdentity, identity, "identity").mspid
        if msp_id != self._msp_id:
            raise MspError(f"expected MSP ID {self._msp_id}, received {msp_id}")
