"""`certledger receipt embed` and `receipt cose`: receipts in other forms."""

from pathlib import Path

import click

from cli.language import tr
from cli.output import silence
from cli.settings import Settings, folder_options, identity_options


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--receipt", metavar="FILE", type=click.Path(path_type=Path), help="Default: FILE.receipt.json.")
@click.option("--out", required=True, metavar="FILE", type=click.Path(path_type=Path), help="The PDF with its receipt.")
@folder_options
def embed(settings: Settings, file: Path, receipt: Path | None, out: Path) -> None:
    """Put a certified PDF's receipt into it, so that one file is enough to verify.

    The document itself stays as it is, byte by byte, at the file's beginning."""
    from node_client.certificates.document import Document
    from node_client.certificates.errors import DocumentError
    from node_client.certificates.pdf import embed
    from node_client.certificates.receipt_file import read_receipt, receipt_path
    from node_client.durable import replace_file

    silence("pypdf")
    document, path = Document.of_file(file), receipt or receipt_path(file)
    try:
        found = read_receipt(path)
    except FileNotFoundError as error:
        raise DocumentError(f"there is no receipt {path}", "name the receipt with --receipt") from error
    if found.statement.document.sha256 != document.sha256:
        raise DocumentError(f"{path} is the receipt of another document")
    replace_file(out, embed(file.read_bytes(), found.to_bytes()))
    settings.output.result(
        {"file": str(out), "certificateId": found.certificate_id}, f"✔ {tr('the PDF carries its receipt')}: {out}"
    )


@click.command()
@click.argument("certificate", metavar="ID")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Default: ID.receipt.cose.")
@identity_options
def cose(settings: Settings, certificate: str, out: Path | None) -> None:
    """Write a COSE Receipt (RFC 9942) of a certificate of your register, signed by you.

    ID is a certificate id or your reference. It is for verifiers that are not certledger: they see that you stand for
    the certificate's place in its batch, and nothing of the ledger or of revocation."""
    from node_client import ConnectionProfile
    from node_client.anchoring.holding import find_receipt
    from node_client.certificates.cose import SUFFIX, receipt_in_cose
    from node_client.certificates.register import Register
    from node_client.durable import replace_file

    profile = settings.profile()
    with Register(profile.register) as register:
        found = find_receipt(register, certificate)
    connection = ConnectionProfile.load(profile.connection)
    identity = connection.identity(profile.organisation, profile.user)
    signer = connection.signer(profile.organisation, profile.user)
    path = out or Path(found.certificate_id + SUFFIX)
    replace_file(path, receipt_in_cose(found, identity, signer))
    entry = found.certificate_id + found.commitment
    settings.output.result(
        {"file": str(path), "certificateId": found.certificate_id, "entry": entry},
        f"✔ {tr('COSE receipt written')}: {path}\n    {tr('entry')}: {entry}",
    )
