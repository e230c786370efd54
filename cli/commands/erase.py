"""`certledger erase`: forget what the register knows of a certificate."""

import click

from cli.confirming import confirm
from cli.exit_codes import ExitCode
from cli.language import tr
from cli.settings import Settings, identity_options


@click.command()
@click.argument("certificate", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@identity_options
def erase(settings: Settings, certificate: str, yes: bool) -> int:
    """Erase a certificate from the register: its statement, salt and reference.

    What stays on the ledger then points to nobody. The holder's own document and receipt stay checkable. This cannot
    be undone. ID is a certificate id or your reference.
    """
    from node_client.anchoring.holding import erase as forget
    from node_client.anchoring.holding import find
    from node_client.certificates.errors import NotInRegister
    from node_client.certificates.register import Register

    profile = settings.profile()
    missing = NotInRegister(f"the register of {profile.organisation} has no certificate {certificate}")
    if not profile.register.exists():
        raise missing
    with Register(profile.register) as register:
        found = find(register, certificate)
        if found is None:
            raise missing
        certificate_id = found.certificate_id
        question = tr("Erase certificate {id} from the register for good?", id=certificate_id)
        confirm(settings.output, question, yes=yes)
        forget(register, found)
    text = f"✔ {tr('erased from the register')}  {certificate_id}"
    settings.output.result({"certificateId": certificate_id, "status": "erased"}, text)
    return ExitCode.DONE
