"""The kinds of certificates that a city issues.

The type is a text of the issuer's in the statement; these are the ones that have a name in Japanese.
"""

DEFAULT_TYPE = "income"
MAX_LENGTH = 100

JAPANESE = {
    "income": "所得証明書",
    "taxation": "課税(非課税)証明書",
    "income-taxation": "所得課税証明書",
    "tax-payment": "納税証明書",
    "resident-record": "住民票の写し",
    "resident-record-items": "住民票記載事項証明書",
}


def is_type(text: str) -> bool:
    """Whether a text can be a certificate's type: 1 to 100 printable characters."""
    return 0 < len(text) <= MAX_LENGTH and text.isprintable() and text.strip() == text
