'use strict';

const { Contract } = require('fabric-contract-api');
const { KeyEndorsementPolicy } = require('fabric-shim');

const text = (bytes) => (bytes?.length ? Buffer.from(bytes).toString('utf8') : null);

/** A key-value store that uses all of the shim. Results are JSON. */
class Store extends Contract {
    constructor() {
        super('store');
    }

    async put(ctx, key, value) {
        const previous = text(await ctx.stub.getState(key));
        await ctx.stub.putState(key, Buffer.from(value));
        ctx.stub.setEvent('put', Buffer.from(JSON.stringify({ key, value })));
        return { previous };
    }

    /** Puts many keys of four digits, the first of them 1000. */
    async fill(ctx, stem, count) {
        for (let place = 0; place < Number(count); place++) {
            await ctx.stub.putState(`${stem}${1000 + place}`, Buffer.from('x'));
        }
    }

    async get(ctx, key) {
        return { value: text(await ctx.stub.getState(key)) };
    }

    async remove(ctx, key) {
        await ctx.stub.deleteState(key);
    }

    async names(ctx, start, end) {
        const found = [];
        for await (const { key } of ctx.stub.getStateByRange(start, end)) {
            found.push(key);
        }
        return found;
    }

    async page(ctx, start, end, size, bookmark) {
        const { iterator, metadata } = await ctx.stub.getStateByRangeWithPagination(
            start,
            end,
            Number(size),
            bookmark,
        );
        const names = [];
        for (let one = await iterator.next(); !one.done; one = await iterator.next()) {
            names.push(one.value.key);
        }
        await iterator.close();
        return { names, bookmark: metadata.bookmark, count: metadata.fetchedRecordsCount };
    }

    async history(ctx, key) {
        const found = [];
        for await (const { txId, value, isDelete, timestamp } of ctx.stub.getHistoryForKey(key)) {
            found.push({ txId, value: text(value), isDelete, dated: Boolean(timestamp) });
        }
        return found;
    }

    async pair(ctx, kind, first, second) {
        await ctx.stub.putState(ctx.stub.createCompositeKey(kind, [first, second]), Buffer.from('\0'));
    }

    async pairs(ctx, kind, first) {
        const found = [];
        for await (const { key } of ctx.stub.getStateByPartialCompositeKey(kind, [first])) {
            const { objectType, attributes } = ctx.stub.splitCompositeKey(key);
            found.push([objectType, ...attributes]);
        }
        return found;
    }

    async putPrivate(ctx, collection, key) {
        await ctx.stub.putPrivateData(collection, key, ctx.stub.getTransient().get('value'));
    }

    async getPrivate(ctx, collection, key) {
        return { value: text(await ctx.stub.getPrivateData(collection, key)) };
    }

    async privateHash(ctx, collection, key) {
        const hash = await ctx.stub.getPrivateDataHash(collection, key);
        return { hash: Buffer.from(hash ?? '').toString('hex') };
    }

    async privateNames(ctx, collection, start, end) {
        const found = [];
        for await (const { key } of ctx.stub.getPrivateDataByRange(collection, start, end)) {
            found.push(key);
        }
        return found;
    }

    async removePrivate(ctx, collection, key) {
        await ctx.stub.deletePrivateData(collection, key);
    }

    async transient(ctx) {
        return Object.fromEntries([...ctx.stub.getTransient()].map(([name, value]) => [name, text(value)]));
    }

    async who(ctx) {
        const client = ctx.clientIdentity;
        return {
            mspId: client.getMSPID(),
            id: client.getID(),
            role: client.getAttributeValue('certledger.role'),
            isIssuer: client.assertAttributeValue('certledger.role', 'issuer'),
        };
    }

    async transaction(ctx) {
        const { stub } = ctx;
        return {
            txId: stub.getTxID(),
            channel: stub.getChannelID(),
            seconds: Number(stub.getTxTimestamp().seconds),
            function: stub.getFunctionAndParameters().fcn,
            binding: Buffer.from(stub.getBinding(), 'hex').length,
        };
    }

    async restrict(ctx, key, mspId) {
        const policy = new KeyEndorsementPolicy();
        policy.addOrgs('PEER', mspId);
        await ctx.stub.setStateValidationParameter(key, policy.getPolicy());
    }

    async restriction(ctx, key) {
        const policy = await ctx.stub.getStateValidationParameter(key);
        return policy?.length ? new KeyEndorsementPolicy(policy).listOrgs().sort() : [];
    }

    async call(ctx, chaincode, channel, name, first, second) {
        const values = [name, first, second].filter((value) => value !== '');
        const { status, message, payload } = await ctx.stub.invokeChaincode(chaincode, values, channel);
        return { status, message, payload: text(payload) };
    }

    async query(ctx, selector) {
        const found = [];
        for await (const { key } of ctx.stub.getQueryResult(selector)) {
            found.push(key);
        }
        return found;
    }

    async fail(ctx, reason) {
        await ctx.stub.putState('failed', Buffer.from(reason));
        throw new Error(`refused: ${reason}`);
    }
}

module.exports = { Store };
