'use strict';

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const text = (bytes) => Buffer.from(bytes).toString('utf8');

function contractOf({ gateway, network }, request) {
    const where = request.channel === undefined ? network : gateway.getNetwork(request.channel);
    return where.getContract(request.chaincode, request.contract);
}

function proposalOf(request) {
    return {
        arguments: request.arguments,
        transientData: request.transient,
        endorsingOrganizations: request.organisations,
    };
}

function statusOf(status) {
    return { ...status, blockNumber: Number(status.blockNumber) };
}

async function evaluate(connection, request) {
    return text(await contractOf(connection, request).evaluate(request.function, proposalOf(request)));
}

async function submit(connection, request) {
    return text(await contractOf(connection, request).submit(request.function, proposalOf(request)));
}

/** The short forms, which take nothing but arguments. */
async function evaluateTransaction(connection, request) {
    return text(await contractOf(connection, request).evaluateTransaction(request.function, ...request.arguments));
}

async function submitTransaction(connection, request) {
    return text(await contractOf(connection, request).submitTransaction(request.function, ...request.arguments));
}

async function submitAsync(connection, request) {
    const commit = await contractOf(connection, request).submitAsync(request.function, proposalOf(request));
    const status = await commit.getStatus();
    return {
        result: text(commit.getResult()),
        transactionId: commit.getTransactionId(),
        status: statusOf(status),
    };
}

/** Step by step; `conflict` submits the same function in between, so that this transaction comes too late. */
async function endorseAndSubmit(connection, request) {
    const contract = contractOf(connection, request);
    const proposal = contract.newProposal(request.function, proposalOf(request));
    const transaction = await proposal.endorse();
    if (request.conflict) {
        await contract.submit(request.function, proposalOf(request));
    }
    const commit = await transaction.submit();
    const status = await commit.getStatus();
    return {
        transactionIds: [proposal, transaction, commit].map((step) => step.getTransactionId()),
        results: [transaction, commit].map((step) => text(step.getResult())),
        status: statusOf(status),
    };
}

/** Many at the same time: a call of the function for each list of arguments. */
async function submitAll(connection, request) {
    const contract = contractOf(connection, request);
    const results = request.calls.map((values) => contract.submitTransaction(request.function, ...values));
    return (await Promise.all(results)).map(text);
}

module.exports = {
    evaluate,
    submit,
    evaluateTransaction,
    submitTransaction,
    submitAsync,
    endorseAndSubmit,
    submitAll,
};
Object.defineProperty(module.exports, 'helpers', { value: { hex, text, contractOf, proposalOf, statusOf } });
