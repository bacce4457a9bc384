// Makes a topic as ali-ons can: node make_topic.js NAMESRV BROKER ACCESS_KEY SECRET_KEY TOPIC
'use strict';

const MQClientAPI = require('ali-ons/lib/mq_client_api');

const [ nameSrv, broker, accessKey, secretKey, topicName ] = process.argv.slice(2);
const silent = { info() {}, warn() {}, error() {}, debug() {} };

async function main() {
  const client = new MQClientAPI({ nameSrv, httpclient: {}, accessKey, secretKey, logger: silent });
  await client.ready();
  await client.createTopic(broker, 'TBW102', { topicName, readQueueNums: 4, writeQueueNums: 4, perm: 6, topicFilterType: 'SINGLE_TAG', topicSysFlag: 0,
    order: false }, 10000);
  process.exit(0);
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
