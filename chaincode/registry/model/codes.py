"""The codes with which the registry refuses, and the roles and events it knows."""

NOT_FOUND = "NOT_FOUND"
ALREADY_EXISTS = "ALREADY_EXISTS"
NOT_AUTHORISED = "NOT_AUTHORISED"
NOT_ISSUER = "NOT_ISSUER"
BAD_ARGUMENT = "BAD_ARGUMENT"
BAD_TRANSITION = "BAD_TRANSITION"
FINAL_STATUS = "FINAL_STATUS"
BAD_PROOF = "BAD_PROOF"

ROLE_ATTRIBUTE = "certledger.role"
ISSUER = "issuer"
AUDITOR = "auditor"
VERIFIER = "verifier"
APPROVER = "approver"  # reserved: it may do nothing yet
READERS = frozenset({ISSUER, AUDITOR, VERIFIER})

CERTIFICATE_ISSUED = "CertificateIssued"
CERTIFICATE_REVOKED = "CertificateRevoked"
CERTIFICATE_SUSPENDED = "CertificateSuspended"
CERTIFICATE_REINSTATED = "CertificateReinstated"
CERTIFICATE_SUPERSEDED = "CertificateSuperseded"
BATCH_ANCHORED = "BatchAnchored"
