"""Issuing and verifying.

Issuing is one transaction as `certledger issue` makes it: endorsed, and submitted through a pipeline, which tells its
outcome. Verifying is what `certledger verify` asks of the network: the record, attested by the organisations of the
policy for this request's nonce, and checked.
"""

import itertools
from typing import Any

from bench.issuing import CHANNEL, measure_pipeline
from bench.load import measure, print_table
from bench.targets import Target
from node_client import AsyncGateway, ConnectionProfile
from node_client.certificates import attestation
from node_client.certificates._async.client import AsyncRegistryClient
from node_client.certificates.questions import certificate_answer, certificate_question
from node_client.certificates.trust import Trust
from node_client.protocol.proposal import new_nonce


async def run(target: Target, levels: list[int], seconds: float) -> dict[str, list[dict[str, Any]]]:
    """Measure both at every level of concurrency.

    Returns:
        The rows of `issue` and `verify`.
    """
    profile = ConnectionProfile.load(target.connection)
    issued: list[str] = []
    result: dict[str, list[dict[str, Any]]] = {"issue": [], "verify": []}
    async with AsyncGateway.from_profile(profile, target.organisation, target.user) as gateway:
        network = gateway.get_network(CHANNEL)

        for level in levels:
            measured = await measure_pipeline(target, gateway, level, seconds, issued)
            result["issue"].append(measured.row())
        print_table("issue", result["issue"])
        if target.trust is None:
            return result
        trust = Trust.from_bytes(target.trust.read_bytes())
        registry = AsyncRegistryClient(network, trust)
        names = itertools.cycle(issued)

        async def verify() -> None:
            certificate_id, nonce = next(names), new_nonce()
            data = await registry.attest(certificate_id, nonce)
            answer = attestation.verify(data, certificate_question(certificate_id), trust, nonce=nonce)
            certificate_answer(answer, certificate_id)

        for level in levels:
            measured = await measure(verify, concurrency=level, seconds=seconds, processes=target.processes)
            result["verify"].append(measured.row())
        print_table("verify", result["verify"])
    return result
