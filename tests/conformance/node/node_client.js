// Uses node-zookeeper-client in every way that it has, and says of each check "ok NAME" or "FAILED NAME: why".
// usage: node_client.js HOST:PORT
'use strict';
const assert = require('assert');
const zookeeper = require('node-zookeeper-client');

const server = process.argv[2];
const { CreateMode, Event, Exception, ACL, Id, Permission } = zookeeper;

/** Every callback method of a client as a promise. */
function promised(raw) {
  const call = (method) => (...args) => new Promise((resolve, reject) =>
    raw[method](...args, (error, ...values) => (error ? reject(error) : resolve(values.length > 1 ? values : values[0]))));
  const out = { raw };
  for (const method of ['create', 'remove', 'exists', 'getData', 'setData', 'getChildren', 'getACL', 'setACL',
    'mkdirp']) out[method] = call(method);
  return out;
}

function once(emitter, name, milliseconds = 20000) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no '${name}' within ${milliseconds} ms`)), milliseconds);
    emitter.once(name, (...values) => { clearTimeout(timer); resolve(values); });
  });
}

const open = new Set();
async function client(path = '', options = {}) {
  const raw = zookeeper.createClient(server + path, { sessionTimeout: 10000, spinDelay: 50, ...options });
  open.add(raw);
  const connected = once(raw, 'connected');
  raw.connect();
  await connected;
  return promised(raw);
}
async function close(zk) {
  const gone = once(zk.raw, 'disconnected');
  zk.raw.close();
  open.delete(zk.raw);
  await gone;
}

/** A watcher and the promise of its event. */
function watcher() {
  let watch;
  const event = new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no event within 20 s')), 20000);
    watch = (e) => { clearTimeout(timer); resolve(e); };
  });
  return [watch, event];
}

async function refused(promise, code) {
  try {
    await promise;
  } catch (error) {
    assert.strictEqual(error.getCode ? error.getCode() : error, code);
    return;
  }
  assert.fail('it went through');
}

const checks = {
  async create_get_set_remove(at, zk) {
    assert.strictEqual(await zk.create(at + '/a', Buffer.from('one')), at + '/a');
    let [value, stat] = await zk.getData(at + '/a');
    assert.deepStrictEqual([value.toString(), stat.version], ['one', 0]);
    stat = await zk.setData(at + '/a', Buffer.from('three'), 0);
    assert.deepStrictEqual([stat.version, stat.dataLength], [1, 5]);
    await zk.remove(at + '/a', 1);
    assert.ok(!await zk.exists(at + '/a'));
  },
  async errors(at, zk) {
    await zk.create(at + '/a');
    await refused(zk.create(at + '/a'), Exception.NODE_EXISTS);
    await refused(zk.create(at + '/none/x'), Exception.NO_NODE);
    await refused(zk.setData(at + '/a', Buffer.from('x'), 7), Exception.BAD_VERSION);
    await refused(zk.remove(at + '/a', 7), Exception.BAD_VERSION);
    await refused(zk.remove(at), Exception.NOT_EMPTY);
    await refused(zk.getData(at + '/none'), Exception.NO_NODE);
    await zk.create(at + '/e', CreateMode.EPHEMERAL);
    await refused(zk.create(at + '/e/x'), Exception.NO_CHILDREN_FOR_EPHEMERALS);
  },
  async modes(at, zk) {
    assert.strictEqual(await zk.create(at + '/s-', CreateMode.PERSISTENT_SEQUENTIAL), at + '/s-0000000000');
    const path = await zk.create(at + '/s-', CreateMode.EPHEMERAL_SEQUENTIAL);
    assert.strictEqual(path, at + '/s-0000000001');
    const stat = await zk.exists(path);
    assert.deepStrictEqual(stat.ephemeralOwner, zk.raw.getSessionId());
  },
  async children(at, zk) {
    for (const name of ['b', 'a']) await zk.create(`${at}/${name}`);
    const [names, stat] = await zk.getChildren(at);
    assert.deepStrictEqual([names.sort(), stat.numChildren, stat.cversion], [['a', 'b'], 2, 2]);
  },
  async null_and_empty_values(at, zk) {
    await zk.create(at + '/null', null);
    await zk.create(at + '/empty', Buffer.alloc(0));
    assert.ok(!(await zk.getData(at + '/null'))[0]);
    const [empty] = await zk.getData(at + '/empty');
    assert.strictEqual(empty ? empty.length : 0, 0);
  },
  async large_value(at, zk) {
    const value = Buffer.alloc(500000, 'x');
    await zk.create(at + '/a', value);
    assert.ok((await zk.getData(at + '/a'))[0].equals(value));
  },
  async make_and_remove_a_branch(at, zk) {
    await zk.mkdirp(at + '/a/b/c', Buffer.from('deep'));
    assert.strictEqual((await zk.getData(at + '/a/b/c'))[0].toString(), 'deep');
    for (const path of ['/a/b/c', '/a/b', '/a']) await zk.remove(at + path);
    assert.ok(!await zk.exists(at + '/a'));
  },
  async data_watch(at, zk) {
    await zk.create(at + '/a');
    const [watch, event] = watcher();
    await zk.getData(at + '/a', watch);
    await zk.setData(at + '/a', Buffer.from('x'));
    const seen = await event;
    assert.deepStrictEqual([seen.getType(), seen.getPath()], [Event.NODE_DATA_CHANGED, at + '/a']);
  },
  async exists_watch(at, zk) {
    const [made, madeEvent] = watcher();
    await zk.exists(at + '/a', made);
    await zk.create(at + '/a');
    assert.strictEqual((await madeEvent).getType(), Event.NODE_CREATED);
    const [gone, goneEvent] = watcher();
    await zk.exists(at + '/a', gone);
    await zk.remove(at + '/a');
    assert.strictEqual((await goneEvent).getType(), Event.NODE_DELETED);
  },
  async child_watch(at, zk) {
    const [watch, event] = watcher();
    await zk.getChildren(at, watch);
    await zk.create(at + '/a');
    assert.strictEqual((await event).getType(), Event.NODE_CHILDREN_CHANGED);
  },
  async transaction(at, zk) {
    await zk.create(at + '/v');
    const results = await new Promise((resolve, reject) => zk.raw.transaction()
      .check(at + '/v', 0).create(at + '/a', Buffer.from('1')).create(at + '/s-', CreateMode.PERSISTENT_SEQUENTIAL)
      .setData(at + '/a', Buffer.from('2')).remove(at + '/v')
      .commit((error, r) => (error ? reject(error) : resolve(r))));
    assert.strictEqual(results.length, 5);
    assert.strictEqual((await zk.getData(at + '/a'))[0].toString(), '2');
    assert.ok(!await zk.exists(at + '/v'));
  },
  async transaction_that_fails(at, zk) {
    await new Promise((resolve, reject) => zk.raw.transaction().create(at + '/a').remove(at + '/none').create(at + '/b')
      .commit((error) => {
        try {
          assert.ok(error, 'it went through');
          assert.strictEqual(error.getCode(), Exception.NO_NODE);
          resolve();
        } catch (why) { reject(why); }
      }));
    assert.deepStrictEqual((await zk.getChildren(at))[0], []);
  },
  async acl(at, zk) {
    await zk.create(at + '/a', Buffer.from('x'), [new ACL(Permission.READ | Permission.ADMIN, new Id('world', 'anyone'))]);
    await refused(zk.setData(at + '/a', Buffer.from('y')), Exception.NO_AUTH);
    const stat = await zk.setACL(at + '/a', ACL.OPEN_ACL_UNSAFE);
    assert.strictEqual(stat.aversion, 1);
    const [acls] = await zk.getACL(at + '/a');
    assert.deepStrictEqual(acls.map((x) => [x.permission, x.id.scheme, x.id.id]), [[31, 'world', 'anyone']]);
    await zk.setData(at + '/a', Buffer.from('y'));
  },
  async digest(at, zk) {
    zk.raw.addAuthInfo('digest', Buffer.from('ann:secret'));
    await zk.create(at + '/mine', Buffer.from('x'), ACL.CREATOR_ALL_ACL);
    const stranger = await client();
    await refused(stranger.getData(at + '/mine'), Exception.NO_AUTH);
    stranger.raw.addAuthInfo('digest', Buffer.from('ann:secret'));
    assert.strictEqual((await stranger.getData(at + '/mine'))[0].toString(), 'x');
    await close(stranger);
  },
  async ephemerals_go_with_the_session(at, zk) {
    const other = await client();
    await other.create(at + '/e', CreateMode.EPHEMERAL);
    const [watch, event] = watcher();
    assert.ok(await zk.exists(at + '/e', watch));
    await close(other);
    assert.strictEqual((await event).getType(), Event.NODE_DELETED);
  },
  async session_survives_a_cut_connection(at, zk) {
    await zk.create(at + '/e', CreateMode.EPHEMERAL);
    const id = zk.raw.getSessionId();
    const again = once(zk.raw, 'disconnected').then(() => once(zk.raw, 'connected'));
    zk.raw.connectionManager.socket.destroy();
    await again;
    assert.deepStrictEqual(zk.raw.getSessionId(), id);
    assert.deepStrictEqual((await zk.exists(at + '/e')).ephemeralOwner, id);
  },
  async session_is_resumed_by_another_client(at, zk) {
    const other = await client();
    await other.create(at + '/e', CreateMode.EPHEMERAL);
    const manager = other.raw.connectionManager;
    manager.socket.removeAllListeners('close');
    manager.socket.destroy();
    open.delete(other.raw);
    const heir = zookeeper.createClient(server, { sessionTimeout: 10000 });
    heir.connectionManager.sessionId = other.raw.getSessionId();
    heir.connectionManager.sessionPassword = other.raw.getSessionPassword();
    const connected = once(heir, 'connected');
    heir.connect();
    await connected;
    assert.deepStrictEqual(heir.getSessionId(), other.raw.getSessionId());
    assert.ok(await zk.exists(at + '/e'));
    await close({ raw: heir });
    assert.ok(!await zk.exists(at + '/e'));
  },
  async chroot(at, zk) {
    const inside = await client(at);
    assert.strictEqual(await inside.create('/a', Buffer.from('x')), '/a');
    assert.strictEqual((await zk.getData(at + '/a'))[0].toString(), 'x');
    await close(inside);
  },
  async pipelined_requests(at, zk) {
    await zk.create(at + '/a');
    const order = [];
    await Promise.all(Array.from({ length: 500 }, (_, i) => zk.setData(at + '/a', Buffer.from(String(i))).then((stat) => {
      order.push(i);
      assert.strictEqual(stat.version, i + 1);
    })));
    assert.deepStrictEqual(order, Array.from({ length: 500 }, (_, i) => i));
  },
  async timeout_is_negotiated() {
    const other = await client('', { sessionTimeout: 1000000 });
    assert.strictEqual(other.raw.getSessionTimeout(), 40000);
    await close(other);
  },
};

(async () => {
  let failed = 0;
  for (const [name, check] of Object.entries(checks)) {
    try {
      const zk = await client();
      await zk.create('/node-' + name);
      await check('/node-' + name, zk);
      await close(zk);
      console.log(`ok ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED ${name}: ${String(error.stack || error).replace(/\s*\n\s*/g, ' | ')}`);
    }
    for (const raw of open) raw.close();
    open.clear();
  }
  process.exit(failed ? 1 : 0);
})();
