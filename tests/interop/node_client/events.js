'use strict';

const { checkpointers } = require('@hyperledger/fabric-gateway');
const { contractOf, hex, text } = require('./transactions').helpers;
const { signable, signed } = require('./signing').helpers;

// By kind: the request's name in the API, how an event is told, how one is checkpointed.
const KINDS = {
    chaincode: {
        name: 'ChaincodeEventsRequest',
        told: (event) => ({
            block: Number(event.blockNumber),
            transactionId: event.transactionId,
            chaincode: event.chaincodeName,
            name: event.eventName,
            payload: text(event.payload),
        }),
        checkpoint: (checkpointer, event) => checkpointer.checkpointChaincodeEvent(event),
    },
    block: {
        name: 'BlockEventsRequest',
        told: (block) => hex(block.serializeBinary()),
        checkpoint: (checkpointer, block) => checkpointer.checkpointBlock(BigInt(block.getHeader().getNumber())),
    },
    filtered: {
        name: 'FilteredBlockEventsRequest',
        told: (block) => hex(block.serializeBinary()),
        checkpoint: (checkpointer, block) => checkpointer.checkpointBlock(BigInt(block.getNumber())),
    },
    private: {
        name: 'BlockAndPrivateDataEventsRequest',
        told: (block) => hex(block.serializeBinary()),
        checkpoint: (checkpointer, one) =>
            checkpointer.checkpointBlock(BigInt(one.getBlock().getHeader().getNumber())),
    },
};

function newRequest({ network }, request, checkpoint) {
    const options = { checkpoint };
    if (request.startBlock !== undefined) {
        options.startBlock = BigInt(request.startBlock);
    }
    const make = `new${KINDS[request.kind].name}`;
    return request.kind === 'chaincode' ? network[make](request.chaincode, options) : network[make](options);
}

/** The first `count` events of a stream, which is then closed. */
async function take(request, eventsRequest, count, checkpointer) {
    const { told, checkpoint } = KINDS[request.kind];
    const found = [];
    const deadline = request.seconds ? { deadline: Date.now() + request.seconds * 1000 } : undefined;
    const stream = await eventsRequest.getEvents(deadline);
    try {
        for await (const event of stream) {
            found.push(told(event));
            if (checkpointer) {
                await checkpoint(checkpointer, event);
            }
            if (found.length >= count) {
                break;
            }
        }
    } finally {
        stream.close();
    }
    return found;
}

function eventsRequest(connection, request) {
    return signable(newRequest(connection, request));
}

async function events(connection, request) {
    const made =
        request.bytes === undefined
            ? newRequest(connection, request)
            : signed(connection.gateway, KINDS[request.kind].name, request);
    return take(request, made, request.count);
}

/** Streams one after the other, each taking its number of events and going on where the one before was. */
async function resumed(connection, request) {
    const opened = async () => (request.file ? checkpointers.file(request.file) : checkpointers.inMemory());
    let checkpointer = await opened();
    const found = [];
    for (const count of request.counts) {
        if (request.file) {
            checkpointer = await opened(); // as another process would
        }
        found.push(await take(request, newRequest(connection, request, checkpointer), count, checkpointer));
    }
    return found;
}

/** The first event of a stream without a start; the function is submitted until it comes. */
async function fromNow(connection, request) {
    const contract = contractOf(connection, request);
    let arrived = false;
    const first = take(request, newRequest(connection, request), 1).finally(() => (arrived = true));
    first.catch(() => undefined); // told when it is awaited below
    while (!arrived) {
        await contract.submitTransaction(request.function, ...request.arguments);
        await Promise.race([first, new Promise((resolve) => setTimeout(resolve, 100))]);
    }
    return (await first)[0];
}

module.exports = { eventsRequest, events, resumed, fromNow };
