'use strict';

// Usage: node issue.js CONNECTION ORGANISATION USER. CONNECTION is a network's connection profile.
// A request is a JSON line {concurrency, seconds}. The answers are a JSON line {begun: true} after a warm-up, then one
// {latencies, seconds, cpu, errors}: seconds of every operation, of all together, of this process's CPU time.

const crypto = require('node:crypto');
const fs = require('node:fs');
const readline = require('node:readline');
const grpc = require('@grpc/grpc-js');
const { connect, hash, signers } = require('@hyperledger/fabric-gateway');

const [connection, name, userName] = process.argv.slice(2);
const profile = JSON.parse(fs.readFileSync(connection, 'utf8'));
const organisation = profile.organizations[name];
const user = organisation.users[userName];
const peer = profile.peers[organisation.peers[0]];

const client = new grpc.Client(
    new URL(peer.url).host,
    grpc.credentials.createSsl(fs.readFileSync(peer.tlsCACerts.path)),
    { 'grpc.ssl_target_name_override': peer.grpcOptions['ssl-target-name-override'] },
);
const gateway = connect({
    client,
    identity: { mspId: organisation.mspid, credentials: fs.readFileSync(user.cert) },
    signer: signers.newPrivateKeySigner(crypto.createPrivateKey(fs.readFileSync(user.private_key))),
    hash: hash.sha256,
});
const contract = gateway.getNetwork(profile.channel).getContract('registry');

const now = () => performance.now() / 1000;
const cpu = () => {
    const { user: inUser, system } = process.cpuUsage();
    return (inUser + system) / 1e6;
};
const say = (answer) => process.stdout.write(JSON.stringify(answer) + '\n');

/** Endorse, submit, and ask for the outcome; fails unless it is valid. */
function issue() {
    const random = (bytes) => crypto.randomBytes(bytes).toString('hex');
    return contract.submitTransaction('IssueCertificate', random(16), random(32));
}

async function measure({ concurrency, seconds }) {
    await Promise.all(Array.from({ length: concurrency }, issue));
    say({ begun: true });
    const latencies = [];
    const errors = {};
    const spent = cpu();
    const started = now();
    const end = started + seconds;
    const work = async () => {
        for (let begun = now(); begun < end; begun = now()) {
            try {
                await issue();
                latencies.push(now() - begun);
            } catch (error) {
                const text = String(error).slice(0, 200);
                errors[text] = (errors[text] ?? 0) + 1;
            }
        }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
    say({ latencies, seconds: now() - started, cpu: cpu() - spent, errors });
}

async function main() {
    for await (const line of readline.createInterface({ input: process.stdin })) {
        await measure(JSON.parse(line));
    }
    gateway.close();
    client.close();
}

main();
