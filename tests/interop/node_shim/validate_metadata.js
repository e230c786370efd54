'use strict';

// Usage: node validate_metadata.js FILE. Prints what the official shim says of a contract's metadata: a JSON line
// {error}, with null when it takes them.

const Bootstrap = require('fabric-shim/lib/contract-spi/bootstrap');

let error = null;
try {
    Bootstrap.loadAndValidateMetadata(process.argv[2]);
} catch (refusal) {
    error = refusal.message;
}
process.stdout.write(JSON.stringify({ error }) + '\n');
