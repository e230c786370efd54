'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const { connect, hash, signers } = require('@hyperledger/fabric-gateway');

/**
 * Gateways by who acts and how: {organisation, user, certificate, key, hash, url, tlsCertificate, tlsHash, seconds,
 * offline}.
 */
class Connections {
    constructor(folder) {
        this.folder = folder;
        this.gateways = new Map();
        this.clients = [];
    }

    gateway(as) {
        const name = JSON.stringify(as);
        if (!this.gateways.has(name)) {
            this.gateways.set(name, this.open(as));
        }
        return this.gateways.get(name);
    }

    open(as) {
        const profile = JSON.parse(fs.readFileSync(path.join(this.folder, `${as.organisation}.json`), 'utf8'));
        const organisation = profile.organizations[as.organisation];
        const user = organisation.users[as.user];
        const peer = profile.peers[organisation.peers[0]];
        const client = new grpc.Client(
            new URL(peer[as.url ?? 'url']).host,
            grpc.credentials.createSsl(
                fs.readFileSync(peer.tlsCACerts.path),
                ...(as.tlsCertificate ? [fs.readFileSync(user.tls.private_key), fs.readFileSync(user.tls.cert)] : []),
            ),
            { 'grpc.ssl_target_name_override': peer.grpcOptions['ssl-target-name-override'] },
        );
        this.clients.push(client);
        const certificate = fs.readFileSync(as.certificate ?? user.cert);
        const key = fs.readFileSync(as.key ?? user.private_key);
        const options = {
            client,
            identity: { mspId: organisation.mspid, credentials: certificate },
            hash: hash[as.hash ?? 'sha256'],
        };
        if (!as.offline) {
            options.signer = signers.newPrivateKeySigner(crypto.createPrivateKey(key));
        }
        if (as.tlsCertificate) {
            const shown = new crypto.X509Certificate(fs.readFileSync(user.tls.cert));
            options.tlsClientCertificateHash = as.tlsHash
                ? Buffer.from(as.tlsHash, 'hex')
                : crypto.createHash('sha256').update(shown.raw).digest();
        }
        if (as.seconds) {
            const deadline = () => ({ deadline: Date.now() + as.seconds * 1000 });
            for (const step of ['evaluate', 'endorse', 'submit', 'commitStatus']) {
                options[`${step}Options`] = deadline;
            }
        }
        const gateway = connect(options);
        return { gateway, network: gateway.getNetwork(profile.channel) };
    }

    close() {
        for (const { gateway } of this.gateways.values()) {
            gateway.close();
        }
        for (const client of this.clients) {
            client.close();
        }
    }
}

module.exports = { Connections };
