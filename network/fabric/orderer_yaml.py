"""An orderer's orderer.yaml (Fabric's `sampleconfig/orderer.yaml`, `orderer/common/localconfig`).

What is not here is as Fabric has it by default. All of it is written down, for an ORDERER_ variable counts only where
the file has its key.
"""

from typing import Any

import yaml

from network.fabric.nodes import OPERATOR_KEYS, Node, listening
from network.folder import Folder
from network.topology import Topology


def orderer_yaml(node: Node, topology: Topology, folder: Folder) -> str:
    """The file's text. Paths are absolute."""
    organisation = folder.organisation(node.organisation.name)
    tls = organisation / node.keys / "tls"
    data = node.home(folder) / "data"
    roots = [str(folder.organisation(one.name) / "tlsca" / "tlsca.crt") for one in topology.organisations]
    host, _, port = listening(node.address, folder.listen).rpartition(":")
    pair = {"Certificate": str(tls / "server.crt"), "PrivateKey": str(tls / "server.key")}
    operators = {
        "Enabled": True,
        **pair,
        "RootCAs": [str(tls / "ca.crt")],
        "ClientRootCAs": [str(organisation / OPERATOR_KEYS / "ca.crt")],
    }
    content: dict[str, Any] = {
        "General": {
            "ListenAddress": host,
            "ListenPort": int(port),
            "BootstrapMethod": "none",
            "LocalMSPID": node.organisation.msp_id,
            "LocalMSPDir": str(organisation / node.keys / "msp"),
            "TLS": {
                "Enabled": True,
                **pair,
                "RootCAs": [str(tls / "ca.crt")],
                "ClientAuthRequired": False,
                "ClientRootCAs": roots,
            },
            "Cluster": {
                "ClientCertificate": str(tls / "server.crt"),
                "ClientPrivateKey": str(tls / "server.key"),
                "RootCAs": roots,
                # The default of 7 s is how long a transaction waits for a leader that has just died.
                "RPCTimeout": "2s",
                "DialTimeout": "2s",
            },
            # Peers ping every 10 s, to notice an orderer that is cut off.
            "Keepalive": {"ServerMinInterval": "5s", "ServerInterval": "7200s", "ServerTimeout": "20s"},
            "Authentication": {"TimeWindow": "15m"},
        },
        "FileLedger": {"Location": str(data / "ledger")},
        "Consensus": {"WALDir": str(data / "wal"), "SnapDir": str(data / "snapshots")},
        "ChannelParticipation": {"Enabled": True, "MaxRequestBodySize": "1 MB"},
        "Admin": {"ListenAddress": listening(node.admin), "TLS": {**operators, "ClientAuthRequired": True}},
        # Whoever is on this machine may ask for the health; metrics and log levels are for operators.
        "Operations": {"ListenAddress": listening(node.operations), "TLS": {**operators, "ClientAuthRequired": False}},
        "Metrics": {"Provider": "prometheus"},
    }
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
