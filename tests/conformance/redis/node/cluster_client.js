// ioredis counts in a cluster until its input ends, then reads all counts: one line of JSON. usage: node cluster_client.js PORT
const { Cluster } = require('ioredis');

const cluster = new Cluster([{ host: '127.0.0.1', port: Number(process.argv[2]) }], { redisOptions: { maxRetriesPerRequest: 5 } });
const keys = Array.from({ length: 40 }, (_, i) => `ioredis:${i}`);
const acknowledged = new Map(keys.map((key) => [key, 0]));
let over = false;
process.stdin.on('end', () => { over = true; });
process.stdin.resume();

async function count(mine) {
  while (!over) {
    for (const key of mine) {
      const value = await cluster.incr(key);
      acknowledged.set(key, acknowledged.get(key) + 1);
      if (value !== acknowledged.get(key)) throw new Error(`INCR ${key} gave ${value} in place of ${acknowledged.get(key)}`);
    }
  }
}

async function main() {
  await Promise.all([0, 1, 2, 3].map((n) => count(keys.filter((_, i) => i % 4 === n))));
  for (const key of keys) {
    const value = Number(await cluster.get(key));
    if (value !== acknowledged.get(key)) throw new Error(`GET ${key} gave ${value} in place of ${acknowledged.get(key)}`);
  }
  const pipeline = cluster.pipeline().set('{ioredis}a', '1').set('{ioredis}b', '2').mget('{ioredis}a', '{ioredis}b');
  const [, , [, values]] = await pipeline.exec();
  if (values.join() !== '1,2') throw new Error(`MGET gave ${values}`);
  console.log(JSON.stringify({ counted: [...acknowledged.values()].reduce((a, b) => a + b, 0) }));
}

main().then(() => process.exit(0), (e) => { console.error(e); process.exit(1); });
