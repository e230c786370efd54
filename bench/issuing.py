"""Issuing certificates, in the two ways in which clients learn what became of a transaction, measured."""

from bench.load import Measured, measure
from bench.targets import Target
from chaincode.registry.model.ids import new_id
from node_client import AsyncGateway, CommitError, Pipeline

CHANNEL, CHAINCODE = "certificates", "registry"


async def measure_pipeline(
    target: Target, gateway: AsyncGateway, level: int, seconds: float, issued: list[str] | None = None
) -> Measured:
    """Issue as `certledger issue` does: outcomes come from a pipeline's stream of blocks.

    Args:
        issued: gets the ids.
    """
    network = gateway.get_network(CHANNEL)
    contract = network.get_contract(CHAINCODE)
    async with Pipeline(network, in_flight=level) as pipeline:

        async def issue() -> None:
            certificate_id = new_id()
            transaction = await contract.new_proposal("IssueCertificate", certificate_id, new_id() * 2).endorse()
            status = await pipeline.submit(transaction)
            if not status.successful:
                raise CommitError(status.transaction_id, status.name, status.block_number)
            if issued is not None:
                issued.append(certificate_id)

        return await measure(issue, concurrency=level, seconds=seconds, processes=target.processes)


async def measure_calls(target: Target, gateway: AsyncGateway, level: int, seconds: float) -> Measured:
    """Issue as the official clients do: a call asks for each transaction's outcome."""
    contract = gateway.get_network(CHANNEL).get_contract(CHAINCODE)

    async def issue() -> None:
        await contract.submit("IssueCertificate", new_id(), new_id() * 2)

    return await measure(issue, concurrency=level, seconds=seconds, processes=target.processes)
