"""The certificate registry: `model` is shared with clients, `contract` is the chaincode."""
