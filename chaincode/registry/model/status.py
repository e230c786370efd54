"""What can become of a certificate."""

from enum import StrEnum


class Status(StrEnum):
    """A certificate's status. Revoked and superseded are final."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"

    @property
    def final(self) -> bool:
        """Whether no other status can follow."""
        return self in (Status.REVOKED, Status.SUPERSEDED)


class Reason(StrEnum):
    """Why a certificate is revoked or suspended: the reason codes of RFC 5280 §5.3.1 that apply to one."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "keyCompromise"
    CA_COMPROMISE = "cACompromise"
    AFFILIATION_CHANGED = "affiliationChanged"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessationOfOperation"
    CERTIFICATE_HOLD = "certificateHold"
    PRIVILEGE_WITHDRAWN = "privilegeWithdrawn"
    AA_COMPROMISE = "aACompromise"


def may_become(current: Status, following: Status) -> bool:
    """Whether the status may change so. Only a suspended certificate is reinstated."""
    if current.final or current == following:
        return False
    if following is Status.ACTIVE:
        return current is Status.SUSPENDED
    if following is Status.SUSPENDED:
        return current is Status.ACTIVE
    return True
