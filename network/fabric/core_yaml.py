"""A peer's core.yaml (Fabric's `sampleconfig/core.yaml`, `core/peer/config.go`).

Much of what a peer reads has no default in its code: what is missing here is zero. Values without a comment are those
of Fabric's sample.
"""

from pathlib import Path
from typing import Any

import yaml

from chaincode.builder.requirements import INDEX_SETTINGS
from network.fabric.nodes import OPERATOR_KEYS, Node, listening
from network.folder import Folder
from network.topology import Topology

BUILDER = "certledger"  # peers remember with packages which builder built them: the name must stay

# What the builder's programs and the chaincode that they run get of the peer's environment, besides Fabric's own four.
PROPAGATED = [
    "HOME",
    "LANG",
    "PYTHONPATH",
    "CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG",
    "CERTLEDGER_ISSUER_MSPS",
    *INDEX_SETTINGS,
]


def core_yaml(node: Node, topology: Topology, folder: Folder, builder: Path) -> str:
    """The file's text. Paths are absolute.

    Args:
        builder: the folder of the external builder.
    """
    data = node.home(folder) / "data"
    content: dict[str, Any] = {
        "peer": _peer(node, topology, folder),
        # No Docker: what no builder takes cannot be installed.
        "vm": {"endpoint": ""},
        "chaincode": {
            "externalBuilders": [{"name": BUILDER, "path": str(builder), "propagateEnvironment": PROPAGATED}],
            "installTimeout": "300s",
            "startuptimeout": "300s",
            "executetimeout": "30s",
            "mode": "net",
            "keepalive": 0,
            "system": {name: "enable" for name in ("_lifecycle", "cscc", "lscc", "qscc")},
            "logging": {"level": "info", "shim": "warning"},
            "runtimeParams": {
                "useWriteBatch": True,
                "maxSizeWriteBatch": 1000,
                "useGetMultipleKeys": True,
                "maxSizeGetMultipleKeys": 1000,
            },
        },
        "ledger": {
            "state": {"stateDatabase": "goleveldb", "totalQueryLimit": 100000},
            "history": {"enableHistoryDatabase": True},
            "pvtdataStore": {
                "collElgProcMaxDbBatchSize": 5000,
                "collElgProcDbBatchesInterval": 1000,
                "deprioritizedDataReconcilerInterval": "60m",
                "purgeInterval": 100,
                "purgedKeyAuditLogging": True,
            },
            "snapshots": {"rootDir": str(data / "snapshots")},
        },
        "operations": {"listenAddress": listening(node.operations), "tls": _operations_tls(node, folder)},
        "metrics": {"provider": "prometheus"},
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def tls_roots(node: Node, folder: Folder) -> Path:
    """A file with every organisation's TLS authority: whom a peer trusts before it is in the channel.

    With its own alone it cannot reach the others at the moment at which it joins, and tries again seconds later.
    """
    return node.home(folder) / "tls-roots.pem"


def _peer(node: Node, topology: Topology, folder: Folder) -> dict[str, Any]:
    home = folder.organisation(node.organisation.name) / "peer"
    return {
        "id": node.name,
        "networkId": "certledger",
        "listenAddress": listening(node.address, folder.listen),
        "address": node.address,
        "chaincodeListenAddress": listening(node.chaincode),
        "chaincodeAddress": node.chaincode,
        "addressAutoDetect": False,
        "localMspId": node.organisation.msp_id,
        "localMspType": "bccsp",
        "mspConfigPath": str(home / "msp"),
        "fileSystemPath": str(node.home(folder) / "data"),
        "gateway": {
            "enabled": True,
            "endorsementTimeout": "30s",
            "broadcastTimeout": "30s",
            "dialTimeout": "2m",
        },
        "keepalive": {
            "interval": "7200s",
            "timeout": "20s",
            # A site that is cut off closes no connection. The sample's 60 and 20 s are how long a peer would wait for
            # blocks from its orderer, and a gateway for its peer; gRPC for Go pings every 10 s at the most.
            "minInterval": "5s",
            "client": {"interval": "10s", "timeout": "5s"},
            "deliveryClient": {"interval": "10s", "timeout": "5s"},
        },
        "gossip": _gossip(node),
        "tls": {
            "enabled": True,
            # A client's certificate is asked for and not demanded: discovery and TLS binding get theirs.
            "clientAuthRequired": False,
            "cert": {"file": str(home / "tls" / "server.crt")},
            "key": {"file": str(home / "tls" / "server.key")},
            "rootcert": {"file": str(tls_roots(node, folder))},
            "clientRootCAs": {
                "files": [str(folder.organisation(one.name) / "tlsca" / "tlsca.crt") for one in topology.organisations]
            },
        },
        "authentication": {"timewindow": "15m"},
        "BCCSP": {"Default": "SW", "SW": {"Hash": "SHA2", "Security": 256}},
        "client": {"connTimeout": "3s"},
        "deliveryclient": {
            "blockGossipEnabled": False,
            "reconnectTotalTimeThreshold": "3600s",
            "connTimeout": "3s",
            # The sample's hour is how long a peer may sleep that found no orderer for a while.
            "reConnectBackoffThreshold": "5s",
            "blockCensorshipTimeoutKey": "30s",
            "minimalReconnectInterval": "100ms",
            "policy": "cluster",
        },
        "handlers": {
            "authFilters": [{"name": "DefaultAuth"}, {"name": "ExpirationCheck"}, {"name": "TimeWindowCheck"}],
            "decorators": [{"name": "DefaultDecorator"}],
            "endorsers": {"escc": {"name": "DefaultEndorsement"}},
            "validators": {"vscc": {"name": "DefaultValidation"}},
        },
        "discovery": {
            "enabled": True,
            "authCacheEnabled": True,
            "authCacheMaxSize": 1000,
            "authCachePurgeRetentionRatio": 0.75,
            "orgMembersAllowedAccess": False,
        },
        "limits": {"concurrency": {"endorserService": 2500, "deliverService": 2500, "gatewayService": 500}},
        "maxRecvMsgSize": 104857600,
        "maxSendMsgSize": 104857600,
    }


def _gossip(node: Node) -> dict[str, Any]:
    return {
        # One peer for each organisation: it is its own bootstrap peer, and finds the others by their anchor peers.
        "bootstrap": node.address,
        "endpoint": node.address,
        "externalEndpoint": node.address,
        "useLeaderElection": False,
        "orgLeader": True,
        # The first attempt to reach an anchor peer can come before this peer knows the channel's policies, or before
        # the other has joined; the next one comes after this. The sample has 25 s, and gateways know no endorsers until
        # then.
        "reconnectInterval": "500ms",
        "maxConnectionAttempts": 120,
        # A peer that is not heard of for so long is not asked for endorsements; the sample has 5 and 25 s.
        "aliveTimeInterval": "2s",
        "aliveExpirationTimeout": "10s",
        # How soon others hear of a peer's height and of new chaincode; the sample has 4 s.
        "requestStateInfoInterval": "1s",
        "publishStateInfoInterval": "1s",
        "pvtData": {
            # How long a block waits for private data that nobody gives, for which a peer that has lost its ledger asks
            # at each of its organisation's approvals; the sample has 60 s. Others are asked every second, and are back
            # from a restart within this. What comes later the reconciler gets, while blocks go on.
            "pullRetryThreshold": "10s",
            "transientstoreMaxBlockRetention": 20000,
            # Without it private data are never disseminated.
            "pushAckTimeout": "3s",
            "btlPullMargin": 10,
            "reconcileBatchSize": 10,
            "reconcileSleepInterval": "1m",
            "reconciliationEnabled": True,
            "skipPullingInvalidTransactionsDuringCommit": False,
            "implicitCollectionDisseminationPolicy": {"requiredPeerCount": 0, "maxPeerCount": 1},
        },
        "state": {"enabled": False},
    }


def _operations_tls(node: Node, folder: Folder) -> dict[str, Any]:
    """Whoever is on this machine may ask for the health; metrics and log levels are for operators."""
    organisation = folder.organisation(node.organisation.name)
    tls = organisation / "peer" / "tls"
    return {
        "enabled": True,
        "cert": {"file": str(tls / "server.crt")},
        "key": {"file": str(tls / "server.key")},
        "clientAuthRequired": False,
        "clientRootCAs": {"files": [str(organisation / OPERATOR_KEYS / "ca.crt")]},
    }
