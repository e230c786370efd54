'use strict';

// Signing elsewhere: bytes and digests go out, bytes and signatures come back, maybe in another process.

const { helpers } = require('./transactions');
const { hex, text, contractOf, proposalOf, statusOf } = helpers;

const signable = (one) => ({ bytes: hex(one.getBytes()), digest: hex(one.getDigest()) });

function signed(gateway, kind, request) {
    const bytes = Buffer.from(request.bytes, 'hex');
    if (request.signature === undefined) {
        return gateway[`new${kind}`](bytes);
    }
    return gateway[`newSigned${kind}`](bytes, Buffer.from(request.signature, 'hex'));
}

function newProposal(connection, request) {
    const proposal = contractOf(connection, request).newProposal(request.function, proposalOf(request));
    return { ...signable(proposal), transactionId: proposal.getTransactionId() };
}

async function evaluateProposal({ gateway }, request) {
    return text(await signed(gateway, 'Proposal', request).evaluate());
}

async function endorseProposal({ gateway }, request) {
    const transaction = await signed(gateway, 'Proposal', request).endorse();
    return {
        ...signable(transaction),
        transactionId: transaction.getTransactionId(),
        result: text(transaction.getResult()),
    };
}

async function submitSigned({ gateway }, request) {
    const commit = await signed(gateway, 'Transaction', request).submit();
    return { ...signable(commit), transactionId: commit.getTransactionId(), result: text(commit.getResult()) };
}

async function commitStatus({ gateway }, request) {
    return statusOf(await signed(gateway, 'Commit', request).getStatus());
}

module.exports = { newProposal, evaluateProposal, endorseProposal, submitSigned, commitStatus };
Object.defineProperty(module.exports, 'helpers', { value: { signable, signed } });
