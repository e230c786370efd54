"""The embedded network: one process that answers as the peers and orderers of every organisation."""
