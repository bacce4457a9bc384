// Loaded into mocha with the tests that ali-ons has of itself: keeps what they send on this machine, and leaves out what cannot be tested
// here. own_report.js tells of them.
//   OWN_PATTERNS  of the names that are run, parted by spaces
//   OWN_PLACES    {"HOST:PORT": "HOST:PORT"}: who stands in for servers of Alibaba's
'use strict';

const net = require('net');
const path = require('path');

// By their whole titles, and why.
const LEFT_OUT = {
  'test/channel.test.js should invoke ok though channel not ready':
    "what it waits for is how a NameServer of Alibaba's cloud refuses requests without an access key; RocketMQ's has no access control",
  'test/channel.test.js should throw error if invoke timeout': 'it takes 1 ms for less than an answer needs, as in the cloud, and not here',
  'test/index.test.js API should select another broker if one failed': 'it needs a second broker',
};

const places = JSON.parse(process.env.OWN_PLACES);
const patterns = process.env.OWN_PATTERNS.split(' ').map(pattern => new RegExp(`^${pattern.replace(/\*/g, '.*').replace(/\?/g, '.')}$`));

// Some tests dial addresses of Alibaba's, or anybody's: nothing here goes anywhere else than to this machine.
const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function(...given) {
  const first = given[0];
  let options = Array.isArray(first) ? first[0] : first;
  if (typeof options !== 'object') {
    options = { port: given[0], host: typeof given[1] === 'string' ? given[1] : 'localhost' };
    given[0] = options;
    if (typeof given[1] === 'string') given.splice(1, 1);
  }
  if (options.path) return connect.apply(this, given);
  const place = places[`${options.host}:${options.port}`];
  if (place) [ options.host, options.port ] = place.split(':');
  if (options.host && options.host !== 'localhost' && !options.host.startsWith('127.')) {
    process.nextTick(() => this.destroy(Object.assign(new Error(`connect ECONNREFUSED ${options.host}:${options.port}`), { code: 'ECONNREFUSED' })));
    return this;
  }
  return connect.apply(this, given);
};

// "store_remote_broker_should_load_ok"
function name_of(test) {
  const file = path.relative(path.join(process.cwd(), 'test'), test.file).replace(/\.test\.js$/, '');
  const title = test.fullTitle().replace(/^test\/\S+/, '');
  return `${file} ${title}`.toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/_$/, '');
}

const is_wanted = test => patterns.some(pattern => pattern.test(name_of(test)));

exports.LEFT_OUT = LEFT_OUT;
exports.name_of = name_of;
exports.is_wanted = is_wanted;
exports.mochaHooks = {
  beforeEach() {
    if (LEFT_OUT[this.currentTest.fullTitle()]) this.skip();
  },
};
