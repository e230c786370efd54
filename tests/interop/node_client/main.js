'use strict';

// Usage: node main.js PROFILES. PROFILES is a folder with what `certledger network profile ORG` prints, as ORG.json.
// A request is a JSON line {operation, as, …}; the answer is a JSON line {result} or {error}. One after the other.

const readline = require('node:readline');
const { GatewayError, CommitError } = require('@hyperledger/fabric-gateway');
const { Connections } = require('./connections');
const events = require('./events');
const signing = require('./signing');
const transactions = require('./transactions');

const operations = { ...transactions, ...signing, ...events };

function described(error) {
    if (error instanceof GatewayError) {
        const { name, code, details, transactionId, cause } = error;
        return { kind: name, code, details, transactionId, message: cause.details };
    }
    if (error instanceof CommitError) {
        return { kind: error.name, code: error.code, transactionId: error.transactionId, message: error.message };
    }
    return { kind: error.name ?? 'Error', code: error.code, message: error.stack ?? String(error) };
}

async function main() {
    const connections = new Connections(process.argv[2]);
    for await (const line of readline.createInterface({ input: process.stdin })) {
        let answer;
        try {
            const request = JSON.parse(line);
            const gateway = connections.gateway(request.as);
            answer = { result: (await operations[request.operation](gateway, request)) ?? null };
        } catch (error) {
            answer = { error: described(error) };
        }
        process.stdout.write(JSON.stringify(answer) + '\n');
    }
    connections.close();
}

main();
