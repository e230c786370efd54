"""`certledger verify`: check a document against the ledger, or from its receipt and a trust file alone."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.exit_codes import ExitCode
from cli.language import tr
from cli.output import silence
from cli.settings import Settings, identity_options, read_trust

if TYPE_CHECKING:
    from node_client.certificates.document import Document
    from node_client.certificates.receipt import Receipt
    from node_client.certificates.trust import Trust
    from node_client.certificates.verification import Check, Verification, Verifier

EXIT_CODES = {
    "genuine": ExitCode.DONE,
    "altered": ExitCode.ALTERED,
    "revoked": ExitCode.REVOKED,
    "suspended": ExitCode.SUSPENDED,
    "superseded": ExitCode.SUPERSEDED_OR_EXPIRED,
    "expired": ExitCode.SUPERSEDED_OR_EXPIRED,
    "unconfirmed": ExitCode.UNCONFIRMED,
    "unknown": ExitCode.NOT_FOUND,
}
VERDICTS = {
    "genuine": "GENUINE",
    "altered": "ALTERED",
    "revoked": "REVOKED",
    "suspended": "SUSPENDED",
    "superseded": "SUPERSEDED",
    "expired": "EXPIRED",
    "unconfirmed": "CANNOT BE CONFIRMED",
    "unknown": "NOT ON THE LEDGER",
}
NEXT_STEPS = {
    "genuine": "",
    "altered": "do not accept it: ask the holder for the document and receipt as they were issued",
    "revoked": "do not accept it: the issuer has withdrawn it for good",
    "suspended": "do not accept it for now: ask the issuer, or verify again later",
    "superseded": "ask the holder for the certificate that replaced it",
    "expired": "ask the holder for a new certificate",
    "unconfirmed": "do not rely on it yet: see the checks, then verify again",
    "unknown": "do not accept it: the ledger does not know it; ask the issuer",
}
ICONS = {"passed": "✔", "failed": "✘", "skipped": "–"}
CHECKS = {
    "receipt": "the receipt is whole",
    "document": "the document is the one that was certified",
    "ledger": "it is bound to the ledger that you trust",
    "attestation": "the receipt has the ledger's record of it",
    "endorsements": "the organisations attested that record",
    "record": "the organisations answer for it now",
    "inclusion": "its place in the batch is proven",
    "commitment": "the ledger's record is of this statement",
    "issuer": "the ledger names this issuer",
    "status": "it is in force now",
    "validity": "it has not expired",
}

FAILED = {
    "receipt": "the receipt is damaged, or is none",
    "document": "the document is not the one that was certified",
    "ledger": "the certificate is bound to another ledger",
    "attestation": "the receipt's attestation is of something else",
    "endorsements": "the organisations did not attest the receipt's record",
    "record": "the organisations do not answer for it now",
    "inclusion": "the batch does not have this certificate",
    "commitment": "the statement is not the one that was issued",
    "issuer": "the ledger names another issuer",
    "status": "it is not in force",
    "validity": "it has expired",
}


@dataclass(frozen=True)
class Wanted:
    """How a document is to be verified."""

    trust: Path | None
    offline: bool
    status_list: str
    max_age: str
    issuer: str
    save: Path | None

    def __post_init__(self) -> None:
        if self.offline and self.trust is None:
            raise click.UsageError(
                tr("--offline needs --trust: without a network, a trust file says whose word counts")
            )
        if self.status_list and not self.offline:
            raise click.UsageError(tr("--status-list is for --offline: online, the ledger itself is asked"))
        if self.save and self.offline:
            raise click.UsageError(tr("--save keeps the ledger's fresh answer: offline there is none"))


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--receipt", metavar="FILE", type=click.Path(path_type=Path), help="Default: beside FILE, or inside it.")
@click.option("--trust", metavar="FILE", type=click.Path(path_type=Path), help="Whose word counts; the profile's file.")
@click.option("--issuer", default="", metavar="MSP", help="Of whom it must be, such as CityMSP; else of anyone.")
@click.option("--offline", is_flag=True, help="Ask nobody: check by the receipt and the trust file alone.")
@click.option("--status-list", default="", metavar="FILE|URL", help="Offline: what tells whether it was revoked.")
@click.option("--max-age", default="24h", metavar="TIME", show_default=True, help="How old that list may be.")
@click.option("--save", metavar="FILE", type=click.Path(path_type=Path), help="Keep the ledger's answer as a receipt.")
@identity_options
def verify(settings: Settings, file: Path, receipt: Path | None, **options: object) -> int:
    """Verify a document: is it what was certified, and is the certificate in force now?

    The exit status tells the verdict: 0 genuine, 3 altered, 4 revoked, 5 suspended, 6 superseded or expired,
    7 cannot be confirmed, 8 not on the ledger.
    """
    wanted = Wanted(**options)  # type: ignore[arg-type]
    trust = read_trust(wanted.trust or settings.profile().trust)
    result = _verify(settings, file, receipt, wanted, trust)
    settings.output.result(_record(file, result, trust), _text(file, result, trust))
    return EXIT_CODES[result.verdict]


def _verify(settings: Settings, file: Path, receipt: Path | None, wanted: Wanted, trust: "Trust") -> "Verification":
    from node_client.certificates.errors import ReceiptError
    from node_client.certificates.finding import find_receipt
    from node_client.certificates.verification import bad_receipt

    silence("pypdf")
    try:
        found = find_receipt(file, receipt)
    except ReceiptError as error:
        return bad_receipt(str(error))
    if wanted.offline:
        return _offline(found.document, found.receipt, wanted, trust)
    with settings.registry(trust) as registry:
        result = registry.verify(found.document, found.receipt, issuer=wanted.issuer)
    if wanted.save and result.answer:
        _save(wanted.save, found.receipt, result.answer)
    return result


def _offline(document: "Document", receipt: "Receipt", wanted: Wanted, trust: "Trust") -> "Verification":
    from node_client.certificates.verification import Verifier

    verifier = Verifier(document, receipt, trust, wanted.issuer)
    verifier.check_receipt()
    verifier.check_attested()
    if wanted.status_list:
        _check_status(verifier, wanted)
    return verifier.result()


def _check_status(verifier: "Verifier", wanted: Wanted) -> None:
    from node_client.certificates.errors import CertificateError
    from node_client.certificates.fetching import fetch
    from node_client.certificates.status_list import StatusList

    max_age = _duration(wanted.max_age)
    try:
        found = StatusList.from_bytes(fetch(wanted.status_list))
    except CertificateError as error:
        verifier.check_no_status_list(str(error))
    else:
        verifier.check_status_list(found, max_age)


def _duration(text: str) -> timedelta:
    from node_client.protocol.duration import SECOND, parse_duration
    from node_client.protocol.errors import ProtocolError

    try:
        return timedelta(seconds=parse_duration(text) / SECOND)
    except ProtocolError as error:
        raise click.UsageError(tr("--max-age {text}: write it as 24h or 90m", text=text)) from error


def _save(path: Path, receipt: "Receipt", answer: bytes) -> None:
    """Keep the fresh answer in a receipt: what anybody can check again, offline."""
    from dataclasses import replace

    from node_client.durable import replace_file

    replace_file(path, replace(receipt, attestation=answer).to_bytes())


def _record(file: Path, result: "Verification", trust: "Trust") -> dict[str, object]:
    record: dict[str, object] = {
        "verdict": result.verdict,
        "file": str(file),
        "checks": [
            {"name": check.name, "outcome": check.outcome, **({"detail": check.detail} if check.detail else {})}
            for check in result.checks
        ],
        "checkedAt": result.checked_at.isoformat(timespec="seconds"),
        "trust": trust.digest,
    }
    if result.receipt is not None:
        statement = result.receipt.statement
        record |= {
            "certificateId": statement.certificate_id,
            "type": statement.type,
            "issuer": statement.issuer,
            "issueDate": statement.issue_date.isoformat(),
        }
    if NEXT_STEPS[result.verdict]:
        record["nextStep"] = tr(NEXT_STEPS[result.verdict])
    return record


def _text(file: Path, result: "Verification", trust: "Trust") -> str:
    icon = "✔" if result.verdict == "genuine" else "✘"
    lines = [f"{icon} {tr(VERDICTS[result.verdict])}  {file}"]
    if result.receipt is not None:
        statement = result.receipt.statement
        facts = {
            tr("certificate"): statement.certificate_id,
            tr("type"): _type_name(statement.type),
            tr("issuer"): statement.issuer,
            tr("issue date"): statement.issue_date.isoformat(),
        }
        if statement.valid_until is not None:
            facts[tr("valid until")] = statement.valid_until.isoformat()
        lines += [f"    {name}: {value}" for name, value in facts.items()]
    lines.append(f"    {tr('checked at')}: {result.checked_at.astimezone().strftime('%Y-%m-%d %H:%M:%S %z')}")
    lines.append(f"    {tr('trust file')}: {trust.digest}")
    lines += [f"  {ICONS[check.outcome]} {_told(check)}" for check in result.checks]
    if NEXT_STEPS[result.verdict]:
        lines.append(tr("next: {step}", step=tr(NEXT_STEPS[result.verdict])))
    return "\n".join(lines)


def _told(check: "Check") -> str:
    text = tr(CHECKS[check.name])
    if check.outcome == "skipped":
        return tr("not checked: {check}", check=text)
    if check.outcome == "failed":
        failed = tr(FAILED[check.name])
        return failed if check.detail == FAILED[check.name] else f"{failed} ({check.detail})"
    return text


def _type_name(kind: str) -> str:
    from cli.language import japanese
    from node_client.certificates.certificate_type import JAPANESE

    return JAPANESE.get(kind, kind) if japanese() else kind
