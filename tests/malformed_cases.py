"""Malformed contents of transactions, and the code that Fabric's peers give each.

A transaction is right in all but this, and signed by all who have to. The order is that of Fabric's steps:
`core/common/validation/msgvalidation.go` (ValidateTransaction), `core/committer/txvalidator/v20/plugindispatcher`
(Dispatch), `core/ledger/kvledger/txmgmt/validation`.
"""

from collections.abc import Mapping
from typing import Any

from fabric_protos.common import common_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2

from tests.malformed import Change

GARBAGE = b"\xff"


def garbage(_: object) -> bytes:
    return GARBAGE


def nothing(_: object) -> bytes:
    return b""


def fields(**values: object) -> Change:
    def change(message: Any) -> None:
        for name, value in values.items():
            setattr(message, name, value)

    return change


def cleared(name: str) -> Change:
    return lambda message: message.ClearField(name)


def unknown_field(message: Any) -> bytes:
    return bytes(message.SerializeToString()) + b"\xfa\x07\x01x"  # number 127, of one byte


def chaincode(**values: str) -> Change:
    return lambda message: fields(**values)(message.chaincode_id)


def namespace(name: str, **lists: object) -> Change:
    """Add another namespace's set."""
    return lambda results: results.ns_rwset.add(namespace=name, rwset=kv_rwset_pb2.KVRWSet(**lists).SerializeToString())


def own(**lists: object) -> Change:
    """Add to the set of the chaincode."""

    def change(results: Any) -> None:
        results.ns_rwset[0].rwset += kv_rwset_pb2.KVRWSet(**lists).SerializeToString()

    return change


def collection(name: str, *parts: bytes) -> Change:
    """Add sets of a collection."""

    def change(results: Any) -> None:
        for data in parts:
            results.ns_rwset[0].collection_hashed_rwset.add(collection_name=name, hashed_rwset=data)

    return change


def hashed_reads(*reads: kv_rwset_pb2.KVReadHash) -> bytes:
    return kv_rwset_pb2.HashedRWSet(hashed_reads=reads).SerializeToString()


def twice(results: Any) -> None:
    results.ns_rwset.add().CopyFrom(results.ns_rwset[0])


WRITE = kv_rwset_pb2.KVWrite(key="k", value=b"v")
READ = kv_rwset_pb2.KVRead(key="absent")
NEVER = kv_rwset_pb2.Version(block_num=1)
READ_NEVER = kv_rwset_pb2.KVRead(key="absent", version=NEVER)
PRIVATE = kv_rwset_pb2.KVReadHash(key_hash=b"1" * 32)
PRIVATE_NEVER = kv_rwset_pb2.KVReadHash(key_hash=b"1" * 32, version=NEVER)
ENTRY = kv_rwset_pb2.KVMetadataEntry(name="n", value=b"1")

CASES: Mapping[str, tuple[str, Mapping[str, Change]]] = {
    "as it should be": ("VALID", {}),
    # Headers
    "type message": ("BAD_COMMON_HEADER", {"channel_header": fields(type=common_pb2.MESSAGE)}),
    "type seek": ("BAD_COMMON_HEADER", {"channel_header": fields(type=common_pb2.DELIVER_SEEK_INFO)}),
    "type unknown": ("BAD_COMMON_HEADER", {"channel_header": fields(type=99)}),
    "epoch": ("BAD_COMMON_HEADER", {"channel_header": fields(epoch=1)}),
    "no nonce": ("BAD_COMMON_HEADER", {"signature_header": fields(nonce=b"")}),
    "version": ("VALID", {"channel_header": fields(version=7)}),
    "no timestamp": ("VALID", {"channel_header": cleared("timestamp")}),
    "header with an unknown field": ("VALID", {"channel_header": unknown_field}),
    "payload with an unknown field": ("VALID", {"payload": unknown_field}),
    "no id": ("BAD_PROPOSAL_TXID", {"channel_header": fields(tx_id="")}),
    "another id": ("BAD_PROPOSAL_TXID", {"channel_header": fields(tx_id="ab" * 32)}),
    "id in capitals": ("BAD_PROPOSAL_TXID", {"channel_header": lambda one: fields(tx_id=one.tx_id.upper())(one)}),
    # The transaction, its action, and the proposal's hash
    "no data": ("INVALID_ENDORSER_TRANSACTION", {"transaction": nothing}),
    "transaction garbage": ("INVALID_ENDORSER_TRANSACTION", {"transaction": garbage}),
    "no action": ("INVALID_ENDORSER_TRANSACTION", {"transaction": cleared("actions")}),
    "two actions": ("INVALID_ENDORSER_TRANSACTION", {"transaction": lambda one: one.actions.append(one.actions[0])}),
    "action header garbage": ("INVALID_ENDORSER_TRANSACTION", {"action_header": garbage}),
    "no action header": ("INVALID_ENDORSER_TRANSACTION", {"action_header": nothing}),
    "action header without nonce": ("INVALID_ENDORSER_TRANSACTION", {"action_header": fields(nonce=b"")}),
    "action header without creator": ("INVALID_ENDORSER_TRANSACTION", {"action_header": fields(creator=b"")}),
    "action header of another nonce": ("VALID", {"action_header": fields(nonce=b"other")}),
    "action header of somebody else": ("VALID", {"action_header": fields(creator=b"somebody")}),
    "action header that was not endorsed": (
        "INVALID_ENDORSER_TRANSACTION",
        {"transaction_action": fields(header=common_pb2.SignatureHeader(nonce=b"n", creator=b"c").SerializeToString())},
    ),
    "action's payload garbage": ("INVALID_ENDORSER_TRANSACTION", {"payload_of_action": garbage}),
    "response garbage": ("INVALID_ENDORSER_TRANSACTION", {"response": garbage}),
    "no response": ("INVALID_ENDORSER_TRANSACTION", {"response": nothing}),
    "another proposal's hash": ("INVALID_ENDORSER_TRANSACTION", {"response": fields(proposal_hash=b"1" * 32)}),
    "no proposal": ("INVALID_ENDORSER_TRANSACTION", {"proposal": nothing}),
    "proposal garbage": ("VALID", {"proposal": garbage}),
    "proposal without invocation": ("VALID", {"proposal": fields(input=GARBAGE)}),
    "proposal with transient data": ("VALID", {"proposal": lambda one: one.TransientMap.update({"a": b"b"})}),
    "action with an unknown field": ("VALID", {"transaction_action": unknown_field}),
    "wrong hash, extension garbage": (
        "INVALID_ENDORSER_TRANSACTION",
        {"response": fields(proposal_hash=b""), "extension": garbage},
    ),
    # What was run
    "extension garbage": ("BAD_HEADER_EXTENSION", {"extension": garbage}),
    "extension and action garbage": ("BAD_HEADER_EXTENSION", {"extension": garbage, "action": garbage}),
    "extension not in UTF-8": ("BAD_HEADER_EXTENSION", {"extension": lambda _: b"\x12\x03\x12\x01\xff"}),
    "action garbage": ("BAD_RESPONSE_PAYLOAD", {"action": garbage}),
    "no results of the proposal": ("BAD_RESPONSE_PAYLOAD", {"action": nothing}),
    "action garbage, no chaincode": ("BAD_RESPONSE_PAYLOAD", {"action": garbage, "extension": nothing}),
    "results garbage": ("BAD_RWSET", {"results": garbage}),
    "results garbage, no chaincode": ("BAD_RWSET", {"results": garbage, "extension": nothing}),
    "namespace garbage": ("BAD_RWSET", {"results": lambda one: fields(rwset=GARBAGE)(one.ns_rwset[0])}),
    "collection garbage": ("BAD_RWSET", {"results": collection("pair", GARBAGE)}),
    "key not in UTF-8": (
        "BAD_RWSET",
        {"results": lambda one: fields(rwset=b"\x1a\x06\x0a\x01\xff\x1a\x01v")(one.ns_rwset[0])},
    ),
    "twice a namespace, the second one garbage": (
        "BAD_RWSET",
        {"results": lambda one: one.ns_rwset.add(namespace=one.ns_rwset[0].namespace, rwset=GARBAGE)},
    ),
    "no extension": ("INVALID_OTHER_REASON", {"extension": nothing}),
    "extension without chaincode": ("INVALID_OTHER_REASON", {"extension": cleared("chaincode_id")}),
    "action without chaincode": ("INVALID_OTHER_REASON", {"action": cleared("chaincode_id")}),
    "extension without a name, action without chaincode": (
        "INVALID_OTHER_REASON",
        {"extension": chaincode(name=""), "action": cleared("chaincode_id")},
    ),
    "extension without a name": ("INVALID_CHAINCODE", {"extension": chaincode(name="")}),
    "neither with a name": (
        "INVALID_CHAINCODE",
        {"extension": chaincode(name=""), "action": chaincode(name="")},
    ),
    "extension of another chaincode": ("INVALID_CHAINCODE", {"extension": chaincode(name="registry")}),
    "extension with a path and a version": ("VALID", {"extension": chaincode(path="p", version="9")}),
    "action of another chaincode": ("INVALID_CHAINCODE", {"action": chaincode(name="registry")}),
    "action without a version": ("INVALID_CHAINCODE", {"action": chaincode(version="")}),
    "action of another version": ("VALID", {"action": chaincode(version="9")}),
    "no version, event garbage": ("INVALID_CHAINCODE", {"action": chaincode(version=""), "event": garbage}),
    "no answer": ("VALID", {"action": cleared("response")}),
    "a failure": ("VALID", {"action": lambda one: fields(status=500)(one.response)}),
    "event garbage": ("INVALID_OTHER_REASON", {"event": garbage}),
    "event of another chaincode": ("INVALID_OTHER_REASON", {"event": fields(chaincode_id="registry")}),
    "event of no chaincode": ("INVALID_OTHER_REASON", {"event": fields(chaincode_id="")}),
    "no event": ("VALID", {"event": nothing}),
    "event without a name": ("VALID", {"event": fields(event_name="")}),
    "event of another transaction": ("VALID", {"event": fields(tx_id="other")}),
    "event garbage, twice a namespace": ("INVALID_OTHER_REASON", {"event": garbage, "results": twice}),
    "twice a namespace": ("ILLEGAL_WRITESET", {"results": twice}),
    "twice a namespace, another chaincode": (
        "INVALID_CHAINCODE",
        {"results": twice, "extension": chaincode(name="registry")},
    ),
    "twice a namespace, an undefined chaincode": (
        "ILLEGAL_WRITESET",
        {"results": twice, **dict.fromkeys(("extension", "action"), chaincode(name="missing")), "event": nothing},
    ),
    "an undefined chaincode": (
        "INVALID_CHAINCODE",
        {**dict.fromkeys(("extension", "action"), chaincode(name="missing")), "event": nothing},
    ),
    "a system chaincode": (
        "INVALID_CHAINCODE",
        {**dict.fromkeys(("extension", "action"), chaincode(name="qscc")), "event": nothing},
    ),
    "no results": ("VALID", {"results": nothing}),
    "results of another model": ("VALID", {"results": fields(data_model=5)}),
    "an undefined chaincode written": ("INVALID_CHAINCODE", {"results": namespace("missing", writes=[WRITE])}),
    "an undefined chaincode read": ("VALID", {"results": namespace("missing", reads=[READ])}),
    "no chaincode written": ("INVALID_CHAINCODE", {"results": namespace("", writes=[WRITE])}),
    "lscc written": ("INVALID_CHAINCODE", {"results": namespace("lscc", writes=[WRITE])}),
    # Endorsements
    "no endorsements": ("ENDORSEMENT_POLICY_FAILURE", {"endorsed": cleared("endorsements")}),
    "one endorsement": ("ENDORSEMENT_POLICY_FAILURE", {"endorsed": lambda one: one.endorsements.pop()}),
    "an endorser that is nobody": (
        "ENDORSEMENT_POLICY_FAILURE",
        {"endorsed": lambda one: fields(endorser=GARBAGE)(one.endorsements[1])},
    ),
    "an endorsement of nothing": (
        "ENDORSEMENT_POLICY_FAILURE",
        {"endorsed": lambda one: fields(signature=b"")(one.endorsements[1])},
    ),
    "endorsements of somebody besides": (
        "VALID",
        {"endorsed": lambda one: one.endorsements.add(endorser=GARBAGE, signature=GARBAGE)},
    ),
    "no endorsements, an undefined chaincode": (
        "INVALID_CHAINCODE",
        {
            **dict.fromkeys(("extension", "action"), chaincode(name="missing")),
            "event": nothing,
            "results": nothing,
            "endorsed": cleared("endorsements"),
        },
    ),
    # What was read
    "a read that holds": ("VALID", {"results": own(reads=[READ])}),
    "a read that does not hold": ("MVCC_READ_CONFLICT", {"results": own(reads=[READ_NEVER])}),
    "a key read twice": ("VALID", {"results": own(reads=[READ, READ])}),
    "a key read twice, the first read does not hold": (
        "MVCC_READ_CONFLICT",
        {"results": own(reads=[READ_NEVER, READ])},
    ),
    "a key read twice, the second read does not hold": (
        "MVCC_READ_CONFLICT",
        {"results": own(reads=[READ, READ_NEVER])},
    ),
    "a private read that holds": ("VALID", {"results": collection("pair", hashed_reads(PRIVATE))}),
    "a private read that does not hold": (
        "MVCC_READ_CONFLICT",
        {"results": collection("pair", hashed_reads(PRIVATE_NEVER))},
    ),
    "a private key read twice": (
        "MVCC_READ_CONFLICT",
        {"results": collection("pair", hashed_reads(PRIVATE_NEVER, PRIVATE))},
    ),
    "a collection twice": (
        "MVCC_READ_CONFLICT",
        {"results": collection("pair", hashed_reads(PRIVATE_NEVER), hashed_reads(PRIVATE))},
    ),
    "an undefined collection read": ("VALID", {"results": collection("missing", hashed_reads(PRIVATE))}),
    # What is written, of which the commit hash tells
    "a deletion with a value": (
        "VALID",
        {"results": own(writes=[kv_rwset_pb2.KVWrite(key="k", value=b"v", is_delete=True)])},
    ),
    "metadata of a key": (
        "VALID",
        {"results": own(writes=[WRITE], metadata_writes=[kv_rwset_pb2.KVMetadataWrite(key="k", entries=[ENTRY])])},
    ),
    "metadata of an absent key": (
        "VALID",
        {"results": own(metadata_writes=[kv_rwset_pb2.KVMetadataWrite(key="none", entries=[ENTRY])])},
    ),
}
