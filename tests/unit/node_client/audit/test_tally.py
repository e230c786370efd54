"""What an audit counts: of every organisation, what it issued and what has become of it."""

from dataclasses import asdict, replace

from chaincode.registry.model.records import BatchRecord, CertificateRecord, StatusRecord
from chaincode.registry.model.status import Reason, Status
from node_client.audit.tally import Issued, Record, Tally

CITY, OTHER = "CityMSP", "OtherMSP"


def certificate(issuer: str, number: int) -> CertificateRecord:
    return CertificateRecord(f"{number:032x}", "ab" * 32, issuer, "t", "tx")


def batch(issuer: str, number: int, size: int) -> BatchRecord:
    return BatchRecord(f"{number:032x}", "ab" * 32, size, issuer, "t", "tx")


def member(issuer: str, number: int, status: Status) -> StatusRecord:
    return StatusRecord("ab" * 16, f"{number:064x}", number, issuer, "t", "tx", status, Reason.UNSPECIFIED)


def changed_to(tally: Tally, old: Record, *statuses: Status) -> None:
    """Let a record have one status after another."""
    for status in statuses:
        if isinstance(old, CertificateRecord):
            new: Record = old.with_status(status, Reason.UNSPECIFIED)
        else:
            assert isinstance(old, StatusRecord)
            new = replace(old, status=status)
        tally.changed(old, new)
        old = new


def test_every_organisations_own_is_counted_as_it_is_now() -> None:
    tally = Tally()
    for number in range(5):
        tally.changed(None, certificate(CITY, number))
    for number in range(2):
        tally.changed(None, certificate(OTHER, 10 + number))
    for number, size in enumerate((1000, 7)):
        tally.changed(None, batch(CITY, number, size))
    tally.changed(None, batch(OTHER, 2, 30))
    changed_to(tally, certificate(CITY, 0), Status.SUSPENDED, Status.ACTIVE)  # reinstated
    changed_to(tally, certificate(CITY, 1), Status.SUSPENDED, Status.REVOKED)
    changed_to(tally, certificate(CITY, 2), Status.SUPERSEDED)
    changed_to(tally, certificate(OTHER, 10), Status.SUSPENDED)
    for number, (issuer, first) in enumerate(
        [(CITY, Status.SUSPENDED), (CITY, Status.SUPERSEDED), (CITY, Status.SUSPENDED), (OTHER, Status.REVOKED)]
    ):
        tally.changed(None, member(issuer, number, first))
    changed_to(tally, member(CITY, 0, Status.SUSPENDED), Status.ACTIVE, Status.SUSPENDED, Status.REVOKED)
    changed_to(tally, member(CITY, 2, Status.SUSPENDED), Status.ACTIVE)
    assert tally.issuers == {
        CITY: Issued(certificates=5, batches=2, anchored=1007, revoked=2, suspended=0, superseded=2),
        OTHER: Issued(certificates=2, batches=1, anchored=30, revoked=1, suspended=1, superseded=0),
    }
    assert tally.total() == Issued(7, 3, 1037, 3, 1, 2)
    assert Tally.from_values(asdict(tally)) == tally
