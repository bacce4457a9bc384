// node quickstart.js [NAMESERVER]: sends a message and consumes it. npm install ali-ons@3
'use strict';

const { Consumer, Producer, Message } = require('ali-ons');
const ConsumeFromWhere = require('ali-ons/lib/consumer/consume_from_where');

const options = {
  nameSrv: process.argv[2] || '127.0.0.1:9876',
  httpclient: {}, // it asks one for NameServers when it is told none
  logger: { info() {}, warn() {}, error: console.error, debug() {} },
};

async function main() {
  const producer = new Producer({ ...options, producerGroup: 'orders-node-producer' });
  await producer.ready();
  const sent = await producer.send(new Message('orders-node', 'paid', 'hello'));
  console.log(`sent: ${sent.sendStatus}`);

  const consumer = new Consumer({ ...options, consumerGroup: 'orders-node-consumer', consumeFromWhere: ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET });
  const received = new Promise(resolve => consumer.subscribe('orders-node', 'paid || refunded', async message => resolve(message.body.toString())));
  await consumer.ready();
  console.log(`received: ${await received}`);
  process.exit(0);
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
