"""What an issuer's register holds of a certificate, issued alone or in a batch."""

from collections.abc import Iterator, Sequence

from node_client.anchoring.batches import Batch, Batches
from node_client.anchoring.members import Member, Members
from node_client.anchoring.runs import RunStore
from node_client.anchoring.trial_folder import sweep
from node_client.certificates.errors import NotInRegister, RegisterError
from node_client.certificates.issuing import receipt_of
from node_client.certificates.receipt import Receipt
from node_client.certificates.register import ATTESTED, Register, Row
from node_client.certificates.target import Target


def find(register: Register, name: str) -> Row | Member | None:
    """A certificate, by its id or the caller's reference."""
    return register.find(name) or register.find_reference(name) or Members(register).find(name)


def erase(register: Register, found: Row | Member) -> None:
    """Forget a certificate: what is on the ledger then points to nobody."""
    sweep(register.path.parent)
    if isinstance(found, Member):
        Members(register).erase(found)
    else:
        register.erase(found.certificate_id)


def find_receipt(register: Register, name: str) -> Receipt:
    """A certificate's receipt.

    Raises:
        NotInRegister: the register does not know it.
        RegisterError: it is not on the ledger yet.
    """
    found = find(register, name)
    if found is None:
        raise NotInRegister(f"the register has no certificate {name}")
    return Members(register).receipt(found) if isinstance(found, Member) else receipt_of(found)


def find_target(register: Register, name: str) -> Target | None:
    """What a change of status is about, by a certificate's id or the caller's reference."""
    found = find(register, name)
    if isinstance(found, Member):
        return Target(found.certificate_id, Members(register).inclusion(found), found.leaf.hex())
    return Target(found.certificate_id) if found else None


def run_receipts(register: Register, name: str) -> Iterator[tuple[str, bytes]]:
    """The ids and encoded receipts of a run's certificates, in the order of the source.

    Raises:
        NotInRegister: there is no such run.
        RegisterError: a batch is not on the ledger yet.
    """
    batches = run_batches(register, name)
    return _encoded(register, batches)


def run_batches(register: Register, name: str) -> list[Batch]:
    """A run's batches. Raises NotInRegister, or RegisterError when it has none yet."""
    with RunStore(register.path) as store:
        run = store.require(name)
    batches = Batches(register).of_run(run.run)
    if not batches:
        raise RegisterError(f"the run {name} is not complete", "run the same anchor command again")
    return batches


def attestable(register: Register, name: str | None, run: str | None) -> tuple[list[Row], list[Batch]]:
    """What has attestations of its own: of one certificate, of a run, or of everything that is on the ledger.

    Raises:
        NotInRegister, RegisterError: there is no such certificate or run, or it is not on the ledger yet.
    """
    batches = Batches(register)
    if run is not None:
        return [], run_batches(register, run)
    if name is None:
        rows = [row for row in register.rows() if row.state == ATTESTED]
        return rows, [batch for batch in batches.all() if batch.state == ATTESTED]
    found = find(register, name)
    if found is None:
        raise NotInRegister(f"the register has no certificate {name}")
    if isinstance(found, Row):
        return [found], []
    batch = batches.of_member(found.member)
    return [], [batch] if batch else []


def all_receipts(register: Register) -> Iterator[tuple[str, bytes]]:
    """The ids and encoded receipts of everything that is on the ledger."""
    for row in register.rows():
        if row.state == ATTESTED:
            yield row.certificate_id, receipt_of(row).to_bytes()
    yield from _encoded(register, [batch for batch in Batches(register).all() if batch.state == ATTESTED])


def _encoded(register: Register, batches: Sequence[Batch]) -> Iterator[tuple[str, bytes]]:
    for member, receipt in Members(register).encoded_receipts(batches):
        yield member.certificate_id, receipt
