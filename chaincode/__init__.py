"""What runs beside a peer: the shim, contracts, the certificate registry, and the pure rules of a ledger."""
