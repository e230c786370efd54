"""Who may do what, decided from the submitter's certificate."""

from chaincode.contract import ContractError
from chaincode.registry.model import codes
from chaincode.shim.identity import ClientIdentity


def require_reader(client: ClientIdentity) -> None:
    """Admit the roles that read, and an organisation's admins.

    Raises:
        ContractError: NOT_AUTHORISED.
    """
    role = client.attributes.get(codes.ROLE_ATTRIBUTE, "")
    if role not in codes.READERS and "admin" not in client.organizational_units:
        raise ContractError(codes.NOT_AUTHORISED, f"reading needs the role {_listed(codes.READERS)}")


def require_issuer(client: ClientIdentity, issuer_msps: frozenset[str]) -> None:
    """Admit issuers of the MSPs that may issue. Any CA can mint the attribute: it alone is not enough.

    Raises:
        ContractError: NOT_AUTHORISED.
    """
    if client.attributes.get(codes.ROLE_ATTRIBUTE, "") != codes.ISSUER:
        raise ContractError(codes.NOT_AUTHORISED, "writing needs the role issuer")
    if client.msp_id not in issuer_msps:
        raise ContractError(codes.NOT_AUTHORISED, f"the organisation {client.msp_id} may not issue")


def require_owner(client: ClientIdentity, issuer_msp: str, argument: str, value: str) -> None:
    """Admit the organisation that issued the record.

    Raises:
        ContractError: NOT_ISSUER.
    """
    if client.msp_id != issuer_msp:
        raise ContractError(codes.NOT_ISSUER, f"only {issuer_msp}, which issued it, may change it", argument, value)


def _listed(roles: frozenset[str]) -> str:
    *first, last = sorted(roles)
    return f"{', '.join(first)} or {last}"
