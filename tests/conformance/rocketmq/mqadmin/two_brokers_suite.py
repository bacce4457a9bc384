#!/usr/bin/python3
"""Two brokers, each with a NameServer beside it, and RocketMQ 5's mqadmin: whichever NameServer it is told of, it finds both.

usage: two_brokers_suite.py --peer chorus|rocketmq5 --home FOLDER [PATTERN]...

Those of Chorus share a tree, kept by a third process; those of RocketMQ register with both NameServers. Starts and ends them itself, with users
and policies as in the runner's ACL2.
"""
import argparse
import contextlib
import fnmatch
import pathlib
import sys
import time
import types

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from mqadmin_suite import Mqadmin, has, row, rocketmq, runner  # noqa: E402
import servers  # noqa: E402

OTHER = 'broker-b'


class Pair:
    """a and b; NameServer and broker of each."""

    def __init__(self, kind, directory, stack):
        ports = [rocketmq.free_ports(), rocketmq.free_ports()]
        common = dict(runner.ACL2)
        if kind == 'chorus':
            tree = stack.enter_context(servers.start('chorus', directory / 'tree'))
            common |= {'node.roles': 'mq', 'coord.connect': tree.address}
        else:
            common['namesrvAddr'] = ';'.join(f'127.0.0.1:{namesrv}' for namesrv, _ in ports)
        self.a = stack.enter_context(rocketmq.start(kind, directory / 'a', common, ports[0]))
        self.b = stack.enter_context(rocketmq.start(kind, directory / 'b', {**common, 'brokerName': OTHER}, ports[1]))


def scenarios(pair, at_a, at_b, shares_tree):
    """Yields the name of each that has passed. A broker of RocketMQ tells its NameServers of itself each 30 s."""
    a, b = pair.a, pair.b
    for mqadmin in (at_a, at_b):
        text = mqadmin.until(b.broker, 'clusterList', seconds=60)
        text = mqadmin.until(a.broker, 'clusterList', seconds=60)
        has(text, rocketmq.CLUSTER, rocketmq.BROKER, OTHER, a.broker, b.broker)
    yield 'both_brokers_at_each_name_server'

    topic = f'two-{int(time.time()) % 10**8}'
    has(at_a('updateTopic', '-b', b.broker, '-t', topic, '-r', 2, '-w', 2), 'success')
    text = at_a.until(f'"brokerName":"{OTHER}"', 'topicRoute', '-t', topic)
    has(text, b.broker)
    assert topic in at_a('topicList').split() and topic in at_b('topicList').split()
    yield 'topic_of_the_other'
    text = at_a.until('SEND_OK', 'sendMessage', '-t', topic, '-p', 'hello of two')
    assert row(text, 'SEND_OK')[0] == OTHER, text
    has(at_a('consumeMessage', '-t', topic), 'hello of two')
    yield 'message_of_the_other'

    both = topic + '-both'
    has(at_b('updateTopic', '-c', rocketmq.CLUSTER, '-t', both, '-r', 3, '-w', 3), a.broker, b.broker, 'success')
    for mqadmin in (at_a, at_b):
        text = mqadmin.until(f'"brokerName":"{OTHER}"', 'topicRoute', '-t', both)
        has(mqadmin.until(f'"brokerName":"{rocketmq.BROKER}"', 'topicRoute', '-t', both), a.broker, b.broker)
    yield 'topic_of_the_cluster'

    if shares_tree:
        has(at_a('updateOrderConf', '-m', 'put', '-t', both, '-v', f'{rocketmq.BROKER}:3;{OTHER}:3'), 'orderConf=')
        at_b.until(f'orderConf=[{rocketmq.BROKER}:3;{OTHER}:3]', 'updateOrderConf', '-m', 'get', '-t', both)
        at_b.until('"orderTopicConf":', 'topicRoute', '-t', both)
        yield 'keys_and_values_at_each_name_server'

    # Of the whole cluster at once: mqadmin asks one broker after the other.
    cluster, user = ('-c', rocketmq.CLUSTER), 'two-user'
    has(at_a('createUser', *cluster, '-u', user, '-p', 'two-secret', '-t', 'Normal'), f'create user to {a.broker} success',
        f'create user to {b.broker} success')
    for broker in (a.broker, b.broker):
        assert row(at_a('getUser', '-b', broker, '-u', user), user)[1:3] == ['two-secret', 'Normal']
    assert 'The user is existed' in at_a('createUser', '-b', a.broker, '-u', user, '-p', 'two-secret', '-t', 'Normal')
    yield 'create_user_of_the_cluster'
    has(at_a('updateUser', *cluster, '-u', user, '-s', 'disable'), f'update user to {a.broker} success', f'update user to {b.broker} success')
    yield 'update_user_of_the_cluster'
    subject = ('-s', f'User:{user}')
    has(at_a('createAcl', *cluster, *subject, '-r', 'Topic:orders', '-a', 'Pub', '-d', 'Allow'), f'create acl to {a.broker} success',
        f'create acl to {b.broker} success')
    has(at_a('deleteAcl', *cluster, *subject), f'delete acl to {a.broker} success', f'delete acl to {b.broker} success')
    yield 'acl_of_the_cluster'
    has(at_a('deleteUser', *cluster, '-u', user), f'delete user to {a.broker} success', f'delete user to {b.broker} success')
    for broker in (a.broker, b.broker):
        assert user not in at_a('listUser', '-b', broker)
    yield 'delete_user_of_the_cluster'

    b.kill('broker')
    deadline = time.monotonic() + 60
    while OTHER in at_a('clusterList'):
        assert time.monotonic() < deadline, 'the dead broker is still told of'
    text = at_a('topicRoute', '-t', both)
    has(text, a.broker)
    assert f'"brokerName":"{OTHER}"' not in text, text
    yield 'a_dead_broker_leaves'
    b.start()
    for mqadmin in (at_a, at_b):
        mqadmin.until(b.broker, 'clusterList', seconds=60)
        has(mqadmin.until(f'"brokerName":"{OTHER}"', 'topicRoute', '-t', both), a.broker, b.broker)
    yield 'it_comes_back'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--peer', required=True)
    parser.add_argument('--home', required=True)
    parser.add_argument('patterns', nargs='*', default=['*'])
    arguments = parser.parse_args()
    jars = rocketmq.class_path(5)
    classes = runner.compiled('mqadmin', [HERE / 'Mqadmin.java'], jars)
    failed = False
    home = pathlib.Path(arguments.home)
    with contextlib.ExitStack() as stack:
        pair = Pair(arguments.peer, home, stack)
        tools = []
        for name, peer in (('a', pair.a), ('b', pair.b)):
            (home / f'tools-{name}').mkdir()
            tools.append(Mqadmin(types.SimpleNamespace(namesrv=peer.namesrv, home=home / f'tools-{name}', access=':'.join(runner.ADMINISTRATOR)), classes, jars))
            stack.callback(tools[-1].close)
        began, last = time.monotonic(), 'the_beginning'
        try:
            for scenario in scenarios(pair, *tools, shares_tree=arguments.peer == 'chorus'):
                if any(fnmatch.fnmatch(scenario, pattern) for pattern in arguments.patterns):
                    print(f'ok {scenario} {int((time.monotonic() - began) * 1000)}', flush=True)
                began, last = time.monotonic(), scenario
        except Exception as why:  # noqa: BLE001 - what is behind it needs what failed
            failed = True
            words = f'{type(why).__name__}: {why}'.replace('\n', ' | ')
            print(f'FAILED two_brokers_after_{last} {int((time.monotonic() - began) * 1000)}: {words}', flush=True)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
