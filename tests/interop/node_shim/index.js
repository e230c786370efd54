'use strict';

const { Store } = require('./store');

module.exports.contracts = [Store];
