"""Who may call what, refused in Fabric's words.

A resource is guarded by a policy of the channel, or, where it is a peer's own, by a role in the peer's organisation.
Source: Fabric's `core/aclmgmt/defaultaclprovider.go`, `core/policy/policy.go`.
"""

from network.embedded.ledger import Ledger
from node_client.protocol.errors import ProtocolError
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
        msp_id: the organisation.
        ledger: the channel's.
    """

    def __init__(self, msp_id: str, ledger: Ledger) -> None:
        self._msp_id = msp_id
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
        config = self._ledger.config
        during = f"during channelless check policy with policy [{role}]"
        try:
            member = config.msp_manager.member(signed.identity)
        except ProtocolError as error:
            raise AccessDenied(f"Failed deserializing proposal creator {during}: [{error}]") from error
        if member.msp_id != self._msp_id:
            text = f"expected MSP ID {self._msp_id}, received {member.msp_id}"
            raise AccessDenied(f"Failed deserializing proposal creator {during}: [{text}]")
        msp = config.msp_manager.msps[self._msp_id]
        if not msp.has_role(member, "admin" if role == ADMINS else "member"):
            raise AccessDenied(
                f"Failed verifying that proposal's creator satisfies local MSP principal {during}: "
                f"[The identity is not an admin under this MSP [{self._msp_id}]: The identity does not contain OU "
                f"[ADMIN], MSP: [{self._msp_id}]]"
            )
