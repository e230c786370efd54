"""The pure rules of a ledger: read-write sets, simulation, versions, phantoms, composite keys. No I/O."""
