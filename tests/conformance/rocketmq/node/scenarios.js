// Scenarios of ali-ons: node scenarios.js NAMESRV TOPICS [PATTERN]...
// It makes no topics: TOPICS names some that are there and empty, parted by commas.
// Of each scenario one line: "ok NAME MS" or "FAILED NAME MS: why". Exits with 1 when one failed.
'use strict';

const assert = require('assert');
const { Consumer, Producer, Message } = require('ali-ons');
const ConsumeFromWhere = require('ali-ons/lib/consumer/consume_from_where');

const [ namesrv, topics, ...patterns ] = process.argv.slice(2);
const free = topics.split(',');
const run = Date.now() % 1e8;
const silent = { info() {}, warn() {}, error() {}, debug() {} };
let next = 0;

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));
const newTopic = () => {
  assert(free.length, 'no topic is left');
  return free.shift();
};
const name = base => `node-${base}-${run}-${++next}`;

// A broker may take a consumer that has left for one that is still there, if it left right after it came, until 120 s later.
async function until(condition, what, seconds = 150) {
  for (const end = Date.now() + seconds * 1000; !await condition(); await sleep(20)) {
    assert(Date.now() < end, `not within ${seconds} s: ${typeof what === 'function' ? what() : what}`);
  }
}

class Scenario {
  constructor() {
    this.clients = [];
  }

  options(more) {
    // The client wants something to ask over HTTP for NameServers with, though it is told one.
    // It has its own name for an instance, so that each client has its connections for itself.
    return { nameSrv: namesrv, httpclient: {}, instanceName: name('instance'), logger: silent, rebalanceInterval: 1000, pollNameServerInteval: 2000,
      persistConsumerOffsetInterval: 500, ...more };
  }

  async producer(more) {
    const producer = new Producer(this.options({ producerGroup: name('producer'), ...more }));
    producer.on('error', () => {});
    await producer.ready();
    this.clients.push(producer);
    return producer;
  }

  // Collects messages in `inbox`; `answer` says what becomes of each.
  async consumer(topic, tags, { group = name('group'), answer = () => {}, ...more } = {}) {
    const inbox = [];
    const consumer = new Consumer(this.options({ consumerGroup: group, consumeFromWhere: ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET, ...more }));
    consumer.on('error', () => {});
    consumer.subscribe(topic, tags, async message => {
      inbox.push(Object.assign(message, { arrived: Date.now() }));
      return answer(message);
    });
    await consumer.ready();
    this.clients.push(consumer);
    inbox.client = consumer;
    inbox.bodies = () => inbox.map(message => message.body.toString()).sort();
    inbox.count = (count, what) => until(() => inbox.length >= count, () => `${what}: ${count} messages (there are ${inbox.length})`);
    return inbox;
  }

  async end() {
    for (const client of this.clients.reverse()) await Promise.race([ client.close().catch(() => {}), sleep(2000) ]);
  }
}

async function send(producer, topic, prefix, count, tags = '') {
  const bodies = [];
  for (let i = 0; i < count; i++) {
    bodies.push(`${prefix}${i}`);
    const result = await producer.send(new Message(topic, tags, `${prefix}${i}`));
    assert.strictEqual(result.sendStatus, 'SEND_OK');
  }
  return bodies.sort();
}

const scenarios = {
  async send_and_push(s) {
    const topic = newTopic();
    const producer = await s.producer();
    const sent = await send(producer, topic, 'm', 10);
    const inbox = await s.consumer(topic, '*');
    await inbox.count(10, 'what was there');
    assert.deepStrictEqual(inbox.bodies(), sent);
    await send(producer, topic, 'n', 10);
    await inbox.count(20, 'what came later');
  },

  async send_result(s) {
    const topic = newTopic();
    const producer = await s.producer();
    const queues = new Map();
    for (let i = 0; i < 8; i++) {
      const result = await producer.send(new Message(topic, 'Tag', `m${i}`));
      assert.strictEqual(result.sendStatus, 'SEND_OK');
      assert.match(result.msgId, /^[0-9A-F]{32}$/);
      const queue = result.messageQueue.queueId;
      assert.strictEqual(Number(result.queueOffset), queues.get(queue) || 0);
      queues.set(queue, Number(result.queueOffset) + 1);
    }
    assert.strictEqual(queues.size, 4);
  },

  async push_keeps_everything(s) {
    const topic = newTopic();
    const producer = await s.producer();
    const message = new Message(topic, 'Tag', 'body é 消息');
    message.keys = [ 'one', 'two' ];
    message.properties.colour = 'rød';
    const result = await producer.send(message);
    const inbox = await s.consumer(topic, '*');
    await inbox.count(1, 'the message');
    const [ got ] = inbox;
    assert.strictEqual(got.body.toString(), 'body é 消息');
    assert.strictEqual(got.tags, 'Tag');
    assert.strictEqual(got.keys, 'one two');
    assert.strictEqual(got.properties.colour, 'rød');
    assert.strictEqual(got.msgId, result.msgId);
  },

  async push_tags(s) {
    const topic = newTopic();
    const producer = await s.producer();
    for (const tag of [ 'A', 'B', 'C' ]) await send(producer, topic, tag, 4, tag);
    const inbox = await s.consumer(topic, 'A || C');
    await inbox.count(8, 'tags A and C');
    assert.deepStrictEqual(inbox.bodies(), [ 'A0', 'A1', 'A2', 'A3', 'C0', 'C1', 'C2', 'C3' ]);
  },

  async push_sql(s) {
    const topic = newTopic();
    const producer = await s.producer();
    for (let i = 0; i < 10; i++) {
      const message = new Message(topic, 'Tag', `m${i}`);
      message.properties.a = String(i);
      await producer.send(message);
    }
    const inbox = await s.consumer(topic, { expressionType: 'SQL92', subString: 'a BETWEEN 3 AND 5' });
    await inbox.count(3, 'a between 3 and 5');
    assert.deepStrictEqual(inbox.bodies(), [ 'm3', 'm4', 'm5' ]);
  },

  async push_retry(s) {
    const topic = newTopic();
    const producer = await s.producer();
    await send(producer, topic, 'm', 1);
    const inbox = await s.consumer(topic, '*', { answer: message => (message.reconsumeTimes === 0 ? Consumer.ACTION_RETRY : undefined) });
    await inbox.count(2, 'a second time');
    assert.strictEqual(inbox[1].reconsumeTimes, 1);
    assert.strictEqual(inbox[1].topic, topic);
  },

  async push_retry_after_exception(s) {
    const topic = newTopic();
    const producer = await s.producer();
    await send(producer, topic, 'm', 1);
    const inbox = await s.consumer(topic, '*', { answer: message => {
      if (message.reconsumeTimes === 0) throw new Error('not now');
    } });
    await inbox.count(2, 'a second time');
  },

  async push_clustering(s) {
    const topic = newTopic();
    const group = name('group');
    const producer = await s.producer();
    await send(producer, topic, 'first', 4);
    const one = await s.consumer(topic, '*', { group });
    const two = await s.consumer(topic, '*', { group });
    let rounds = 0;
    await until(async () => {
      await send(producer, topic, `m${rounds++}-`, 8);
      return one.length > 0 && two.length > 0;
    }, 'both have messages');
    await until(() => one.length + two.length >= 4 + 8 * rounds, 'all messages');
  },

  async push_broadcast(s) {
    const topic = newTopic();
    const group = name('group');
    await send(await s.producer(), topic, 'm', 8);
    const one = await s.consumer(topic, '*', { group, isBroadcast: true });
    const two = await s.consumer(topic, '*', { group, isBroadcast: true });
    await send(await s.producer(), topic, 'n', 8);
    await until(() => one.bodies().filter(body => body.startsWith('n')).length === 8, 'the first');
    await until(() => two.bodies().filter(body => body.startsWith('n')).length === 8, 'the second');
  },

  async offsets_survive_restart(s) {
    const topic = newTopic();
    const group = name('group');
    const producer = await s.producer();
    await send(producer, topic, 'old', 8);
    const one = await s.consumer(topic, '*', { group });
    await one.count(8, 'the first consumer');
    await one.client.close();
    const later = await send(producer, topic, 'new', 8);
    const two = await s.consumer(topic, '*', { group });
    await two.count(8, 'the second consumer');
    assert.deepStrictEqual(two.bodies(), later);
  },

  async delay(s) {
    const topic = newTopic();
    const producer = await s.producer();
    await send(producer, topic, 'now', 1);
    const message = new Message(topic, '', 'late');
    message.delayTimeLevel = 2;
    const began = Date.now();
    await producer.send(message);
    const inbox = await s.consumer(topic, '*');
    await inbox.count(2, 'the delayed one');
    const late = inbox.find(one => one.body.toString() === 'late');
    assert(late.arrived - began >= 4900, `it came after ${late.arrived - began} ms`);
  },

  async large_body(s) {
    const topic = newTopic();
    const producer = await s.producer();
    const body = 'compress me '.repeat(5000);
    await producer.send(new Message(topic, '', body));
    const inbox = await s.consumer(topic, '*');
    await inbox.count(1, 'the large one');
    assert.strictEqual(inbox[0].body.toString(), body);
  },
};

async function main() {
  const wanted = (patterns.length ? patterns : [ '*' ]).map(pattern => new RegExp(`^${pattern.replace(/\*/g, '.*').replace(/\?/g, '.')}$`));
  let failed = 0;
  process.on('unhandledRejection', () => {});  // the client leaves some when it is closed
  await Promise.all(Object.keys(scenarios).filter(one => wanted.some(pattern => pattern.test(one))).map(async one => {
    const scenario = new Scenario();
    const began = Date.now();
    try {
      await scenarios[one](scenario);
      console.log(`ok ${one} ${Date.now() - began}`);
    } catch (error) {
      failed++;
      console.log(`FAILED ${one} ${Date.now() - began}: ${String(error && error.message).replace(/\n/g, ' | ')}`);
    }
    await scenario.end();
  }));
  process.exit(failed ? 1 : 0);
}

main();
