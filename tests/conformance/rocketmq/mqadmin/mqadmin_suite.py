#!/usr/bin/python3
"""RocketMQ 5's mqadmin against a NameServer and broker: each command's output is looked at for facts, not for its layout.

usage: mqadmin_suite.py --namesrv HOST:PORT --broker HOST:PORT --home FOLDER [--access USER:SECRET] [--list NAME]... [PATTERN]...

--list: one of the lists of scenarios that are run one after the other; without it all, two at a time. --access: of an administrator, where there is
access control; then the scenarios are those of users and policies.
"""
import argparse
import fnmatch
import json
import pathlib
import re
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[3]
sys.path[:0] = [str(ROOT / 'tests/support/rocketmq'), str(HERE.parent)]
import importlib.machinery  # noqa: E402
import importlib.util  # noqa: E402
import rocketmq  # noqa: E402

loader = importlib.machinery.SourceFileLoader('runner', str(HERE.parent / 'run'))
runner = importlib.util.module_from_spec(importlib.util.spec_from_loader('runner', loader))
loader.exec_module(runner)


class Mqadmin:
    """mqadmin in a process that goes on from command to command: starting a JVM for each takes longer than the command."""

    def __init__(self, arguments, classes, jars):
        self.namesrv = arguments.namesrv
        if arguments.access:
            user, secret = arguments.access.split(':')
            conf = pathlib.Path(arguments.home) / 'conf'
            conf.mkdir(exist_ok=True)
            (conf / 'tools.yml').write_text(f'accessKey: {user}\nsecretKey: {secret}\n')
        options = [f'-Drocketmq.home.dir={arguments.home}']
        self.process = subprocess.Popen(runner.java(arguments.home, options, f'{classes}:{jars}', 'Mqadmin'), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        cwd=arguments.home)  # where consumerStatus leaves what it was told

    def __call__(self, command, *arguments):
        """What the command printed. It is run again when the broker did not answer in time, which on a busy machine is not what is tested."""
        for _ in range(3):
            text = self.once(command, *arguments)
            if 'RemotingTimeoutException' not in text:
                break
        return text

    def once(self, command, *arguments):
        self.process.stdin.write('\t'.join((command, '-n', self.namesrv, *map(str, arguments))) + '\n')
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if re.fullmatch(r'end \d+\n', line):
                return '\n'.join(line for line in lines if '|-' not in line)  # those are its logger's
            lines.append(line.rstrip('\n'))
        raise AssertionError(f'mqadmin ended in {command}')

    def until(self, words, command, *arguments, seconds=30):
        """Asks until the answer has the words."""
        deadline = time.monotonic() + seconds
        while True:
            text = self(command, *arguments)
            if words in text:
                return text
            assert time.monotonic() < deadline, f'{command}: {words!r} is not in {text[:1500]}'

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)


def has(text, *words):
    for word in words:
        assert word in text, f'{word!r} is not in {text[:1500]}'
    assert 'Exception' not in text, text[:1500]


def row(text, *cells):
    """The cells of the first row that has these among its own."""
    for line in text.splitlines():
        found = re.split(r'\s+', line.strip())
        if all(cell in found for cell in cells):
            return found
    raise AssertionError(f'no row with {cells} in {text[:1500]}')


def number_of(text, key):
    found = re.search(rf'^{re.escape(key)}\s*[:=]\s*(.*)$', text, re.M)
    assert found, f'no {key} in {text[:1500]}'
    return found.group(1).strip()


class Suite:
    """Lists of scenarios; each yields the name of a scenario once it has passed."""

    def __init__(self, arguments):
        self.broker = arguments.broker
        run = f'{int(time.time()) % 10**8}'
        self.topic, self.group = f'admin-topic-{run}', f'admin-group-{run}'

    def topics(self, mqadmin):
        text = mqadmin('clusterList')
        has(text, rocketmq.CLUSTER, rocketmq.BROKER, self.broker)
        yield 'clusterList'
        text = mqadmin('clusterList', '-m')
        has(text, rocketmq.CLUSTER, rocketmq.BROKER)
        yield 'clusterList_more'
        topic = self.topic + '-a'
        has(mqadmin('updateTopic', '-b', self.broker, '-t', topic, '-r', 3, '-w', 3), 'success', f'topicName={topic}', 'readQueueNums=3')
        yield 'updateTopic'
        ordered = self.topic + '-ordered'
        has(mqadmin('updateTopic', '-c', rocketmq.CLUSTER, '-t', ordered, '-r', 2, '-w', 2, '-o', 'true'), f'orderConf=[{rocketmq.BROKER}:2]')
        mqadmin.until(f'"orderTopicConf":"{rocketmq.BROKER}:2"', 'topicRoute', '-t', ordered)
        yield 'updateTopic_ordered'
        has(mqadmin('topicList'), topic, ordered)
        yield 'topicList'
        text = mqadmin.until('"readQueueNums":3', 'topicRoute', '-t', topic)
        has(text, self.broker, '"readQueueNums":3', '"writeQueueNums":3', '"perm":6')
        yield 'topicRoute'
        has(mqadmin('topicClusterList', '-t', topic), rocketmq.CLUSTER)
        yield 'topicClusterList'
        has(mqadmin('updateTopicPerm', '-b', self.broker, '-t', topic, '-p', 4), 'success')
        # RocketMQ's own NameServer may go on with the older value while the broker tells it of several changes at once.
        assert json.loads(rocketmq.call(self.broker, 21)[2])['topicConfigTable'][topic]['perm'] == 4, 'what the broker has'
        yield 'updateTopicPerm'
        attributed = ('updateTopic', '-b', self.broker, '-t', self.topic + '-attributed', '-a')
        has(mqadmin(*attributed, '+message.type=FIFO'), 'success', 'message.type=FIFO')
        for changes, why in (('+queue.type=SimpleCQ', 'attempt to update an unchangeable attribute. key: queue.type'),
                             ('+cleanup.policy=delete', 'attempt to update an unchangeable attribute. key: cleanup.policy'),
                             ('+message.type=fifo', 'value is not in set:'), ('+message.type=MIXED', 'MIXED message type is not supported.'),
                             ('+message.type=NORMAL,-reserve.time', 'attempt to delete a nonexistent key: reserve.time'),
                             ('+other=1', 'unsupported key: other')):
            text = mqadmin(*attributed, changes)
            assert why in text, f'{changes}: {text[:800]}'
        has(mqadmin(*attributed, '+message.type=NORMAL'), 'success')
        yield 'updateTopic_attributes_changed'
        has(mqadmin('deleteTopic', '-c', rocketmq.CLUSTER, '-t', topic), 'success')
        assert topic not in mqadmin('topicList').split(), 'it is still in the list'
        yield 'deleteTopic'
        has(mqadmin('updateKvConfig', '-s', 'admin-ns', '-k', 'k', '-v', 'v'), 'success')
        has(mqadmin('deleteKvConfig', '-s', 'admin-ns', '-k', 'k'), 'success')
        yield 'updateKvConfig'
        other = self.topic + '-kept'
        has(mqadmin('updateTopic', '-b', self.broker, '-t', other, '-r', 2, '-w', 2), 'success')
        mqadmin.until('"perm":6', 'topicRoute', '-t', other)
        has(mqadmin('updateOrderConf', '-m', 'put', '-t', other, '-v', f'{rocketmq.BROKER}:2'), f'orderConf=[{rocketmq.BROKER}:2]')
        has(mqadmin('updateOrderConf', '-m', 'get', '-t', other), f'orderConf=[{rocketmq.BROKER}:2]')
        has(mqadmin('updateOrderConf', '-m', 'delete', '-t', other), 'success')
        yield 'updateOrderConf'
        has(mqadmin('allocateMQ', '-t', other, '-i', '10.0.0.1,10.0.0.2'), '10.0.0.1', '10.0.0.2', other)
        yield 'allocateMQ'
        listed = pathlib.Path(arguments.home) / 'topics.json'
        listed.write_text(json.dumps([{'topicName': f'{other}-{n}', 'readQueueNums': n, 'writeQueueNums': n, 'perm': 6, 'topicFilterType': 'SINGLE_TAG',
                                       'topicSysFlag': 0, 'order': False} for n in (1, 2)]))
        has(mqadmin('updateTopicList', '-b', self.broker, '-f', listed), 'success')
        mqadmin.until('"readQueueNums":2', 'topicRoute', '-t', f'{other}-2')
        yield 'updateTopicList'
        listed.write_text(json.dumps([{'groupName': f'{self.group}-{n}', 'retryMaxTimes': n} for n in (3, 4)]))
        has(mqadmin('updateSubGroupList', '-b', self.broker, '-f', listed), 'success')
        assert number_of(mqadmin('getConsumerConfig', '-g', f'{self.group}-4'), 'retryMaxTimes') == '4'
        yield 'updateSubGroupList'

    def broker_state(self, mqadmin):
        for command, name in (('updateTopic', '-t'), ('updateSubGroup', '-g')):
            text = mqadmin(command, '-b', self.broker, name, 'bad.name')
            assert re.search(r'CODE: 29  DESC: The specified \w+: bad.name, contains illegal characters', text), text
        yield 'names_that_cannot_be'
        text = mqadmin('updateTopic', '-b', self.broker, '-t', self.topic + '-attributed', '-a', '+bogus=1')
        assert 'CODE: 1  DESC: unsupported key: bogus' in text, text
        has(mqadmin('updateTopic', '-b', self.broker, '-t', self.topic + '-attributed', '-a', '+message.type=FIFO'), 'success')
        text = mqadmin('updateTopic', '-b', self.broker, '-t', self.topic + '-attributed', '-a', '+queue.type=BatchCQ')
        assert 'CODE: 1  DESC: attempt to update an unchangeable attribute. key: queue.type' in text, text
        yield 'updateTopic_attributes'
        assert 'CODE: 26  DESC: Group nobody does not exist' in mqadmin('resetOffsetByTime', '-g', 'nobody', '-t', self.topic + '-attributed', '-s', -1)
        yield 'resetOffsetByTime_of_nobody'
        text = mqadmin('brokerStatus', '-b', self.broker)
        for key in ('ackThreadPoolQueueSize', 'litePullThreadPoolQueueSize', 'putLatency99', 'putMessageDistributeTime', 'putMessageFailedTimes',
                    'bootTimestamp', 'brokerVersionDesc', 'commitLogMaxOffset', 'msgPutTotalTodayNow', 'putTps', 'sendThreadPoolQueueSize',
                    'runtime'):
            number_of(text, key)
        assert 0 < float(number_of(text, 'commitLogDiskRatio')) < 1, text
        assert re.search(r'Total : [\d.]+ \w+, Free : [\d.]+ \w+', number_of(text, 'commitLogDirCapacity')), text
        yield 'brokerStatus'
        text = mqadmin('getBrokerConfig', '-b', self.broker)
        assert number_of(text, 'brokerName') == rocketmq.BROKER, text
        assert number_of(text, 'autoCreateTopicEnable') == 'true', text
        yield 'getBrokerConfig'
        has(mqadmin('updateBrokerConfig', '-b', self.broker, '-k', 'transactionCheckMax', '-v', 16), 'success')
        assert number_of(mqadmin('getBrokerConfig', '-b', self.broker), 'transactionCheckMax') == '16'
        yield 'updateBrokerConfig'
        text = mqadmin('getNamesrvConfig')
        has(text, 'listenPort', 'orderMessageEnable')
        yield 'getNamesrvConfig'
        has(mqadmin('cleanExpiredCQ', '-b', self.broker), 'success')
        yield 'cleanExpiredCQ'
        has(mqadmin('cleanUnusedTopic', '-b', self.broker), 'success')
        yield 'cleanUnusedTopic'
        has(mqadmin('deleteExpiredCommitLog', '-b', self.broker), 'success')
        yield 'deleteExpiredCommitLog'
        has(mqadmin('setCommitLogReadAheadMode', '-b', self.broker, '-m', 0), 'set commitlog readahead mode success, mode: 0')
        yield 'setCommitLogReadAheadMode'
        has(mqadmin('switchTimerEngine', '-b', self.broker, '-e', 'F'), f'success, {self.broker}')
        assert 'CODE: 29  DESC: timerRocksDBEnable must be configured true' in mqadmin('switchTimerEngine', '-b', self.broker, '-e', 'R')
        yield 'switchTimerEngine'
        has(mqadmin('rocksDBConfigToJson', '-t', 'topics', '-c', rocketmq.CLUSTER), 'broker export done.')
        has(mqadmin('checkRocksdbCqWriteProgress', '-c', rocketmq.CLUSTER), rocketmq.BROKER, 'check')
        yield 'rocksDBConfigToJson'
        has(mqadmin('resetMasterFlushOffset', '-b', self.broker, '-o', 0), 'success')
        assert 'CODE: 1  DESC: this request only for controllerMode' in mqadmin('getBrokerEpoch', '-b', rocketmq.BROKER)
        assert 'CODE: 3  DESC:  request type 1005 not supported' in mqadmin('getSyncStateSet', '-a', arguments.namesrv, '-b', rocketmq.BROKER)
        yield 'controller_there_is_none'
        mqadmin('updateNamesrvConfig', '-k', 'orderMessageEnable', '-v', 'true')
        assert number_of(mqadmin('getNamesrvConfig'), 'orderMessageEnable') == 'true'
        yield 'updateNamesrvConfig'
        text = mqadmin('haStatus', '-b', self.broker)
        has(text, f'#MasterAddr\t{self.broker}', '#SlaveNum\t0')
        yield 'haStatus'
        exported = pathlib.Path(arguments.home) / 'exported'
        for command, name in (('exportMetrics', 'metrics.json'), ('exportConfigs', 'configs.json'), ('exportMetadata', 'metadata.json')):
            has(mqadmin(command, '-c', rocketmq.CLUSTER, '-f', exported), 'success')
            assert json.loads((exported / name).read_text()), command
        yield 'exportMetrics'
        number_of(mqadmin('sendMsgStatus', '-b', rocketmq.BROKER, '-c', 3).replace('rt=', 'rt:'), 'rt')
        yield 'sendMsgStatus'

    def messages(self, mqadmin):
        topic, group = self.topic, self.group
        mqadmin('updateTopic', '-b', self.broker, '-t', topic, '-r', 2, '-w', 2)
        text = mqadmin.until('SEND_OK', 'sendMessage', '-t', topic, '-p', 'hello', '-k', 'keyA', '-c', 'TagA')
        cells = row(text, rocketmq.BROKER, 'SEND_OK')
        queue, unique = cells[1], cells[3]
        yield 'sendMessage'
        text = mqadmin('topicStatus', '-t', topic)
        assert row(text, rocketmq.BROKER, queue)[2:4] == ['0', '1'], text
        yield 'topicStatus'
        text = mqadmin('consumeMessage', '-t', topic)
        has(text, 'BODY: hello', unique, 'TagA')
        yield 'consumeMessage'
        for how in ('lz4', 'zstd', 'zlib'):  # written by this project's tool, read by RocketMQ's
            sent = subprocess.run([str(rocketmq.Chorus.binary), 'mq', '--server', mqadmin.namesrv, '--json', 'produce', topic + '-packed', 'packed ' * 100,
                                   '--compress', how, '--compress-above', '10'], capture_output=True, text=True)
            assert sent.returncode == 0, sent.stderr
            text = mqadmin.until('packed packed', 'queryMsgByOffset', '-t', topic + '-packed', '-b', rocketmq.BROKER,
                                 '-i', json.loads(sent.stdout)['queue'], '-o', json.loads(sent.stdout)['offset'], '-f', 'UTF-8')
        yield 'consumeMessage_compressed'
        text = mqadmin.until(unique, 'queryMsgByKey', '-t', topic, '-k', 'keyA')
        assert row(text, unique)[1:3] == [queue, '0'], text
        yield 'queryMsgByKey'
        text = mqadmin('queryMsgByUniqueKey', '-t', topic, '-i', unique)
        has(text, topic, unique, 'keyA', 'TagA')
        yield 'queryMsgByUniqueKey'
        text = mqadmin('queryMsgByOffset', '-t', topic, '-b', rocketmq.BROKER, '-i', queue, '-o', 0)
        has(text, topic, 'keyA', 'TagA')
        offset_id = number_of(text, 'OffsetID')
        assert number_of(text, 'Queue Offset') == '0', text
        yield 'queryMsgByOffset'
        text = mqadmin('queryMsgById', '-t', topic, '-i', offset_id)
        has(text, topic, 'keyA', 'TagA', offset_id)
        yield 'queryMsgById'
        text = mqadmin('printMsg', '-t', topic, '-d', 'true')
        has(text, 'BODY: hello', 'minOffset=0, maxOffset=1')
        yield 'printMsg'
        text = mqadmin('printMsgByQueue', '-t', topic, '-a', rocketmq.BROKER, '-i', queue, '-p', 'true', '-d', 'true')
        has(text, unique, 'BODY: hello')
        has(mqadmin('printMsgByQueue', '-t', topic, '-a', rocketmq.BROKER, '-i', queue, '-f', 'true'), 'TagA', 'Count: 1')
        yield 'printMsgByQueue'
        text = mqadmin('queryCq', '-t', topic, '-q', queue, '-i', 0, '-b', self.broker)
        has(text, 'max: 1', 'tagsCode=' + str(2598919))
        yield 'queryCq'
        has(mqadmin('updateSubGroup', '-b', self.broker, '-g', group, '-r', 5), 'success', f'groupName={group}', 'retryMaxTimes=5')
        yield 'updateSubGroup'
        text = mqadmin('getConsumerConfig', '-g', group)
        assert number_of(text, 'retryMaxTimes') == '5', text
        yield 'getConsumerConfig'
        text = mqadmin('resetOffsetByTime', '-g', group, '-t', topic, '-s', '0')
        assert row(text, rocketmq.BROKER, queue)[2] == '0', text
        yield 'resetOffsetByTime'
        text = mqadmin.until(topic, 'statsAll', '-t', topic)
        assert row(text, topic)[-2] == '1', text  # sent today
        yield 'statsAll'
        oldest = int(number_of(mqadmin('brokerStatus', '-b', self.broker), 'earliestMessageTimeStamp'))
        assert 0 < time.time() * 1000 - oldest < 24 * 3600 * 1000, oldest
        yield 'brokerStatus_oldest'
        text = mqadmin('checkMsgSendRT', '-t', topic, '-a', 3, '-s', 10)
        has(text, 'Avg RT')
        yield 'checkMsgSendRT'
        has(mqadmin('deleteSubGroup', '-b', self.broker, '-g', group, '-r', 'true'), 'success')
        yield 'deleteSubGroup'
        has(mqadmin('setConsumeMode', '-b', self.broker, '-t', topic, '-g', group, '-m', 'POP', '-q', 8), 'consume mode[POP]')
        has(mqadmin('setConsumeMode', '-b', self.broker, '-t', topic, '-g', group, '-m', 'PULL', '-q', 8), 'consume mode[PULL]')
        yield 'setConsumeMode'

    def users(self, mqadmin):
        broker, user = self.broker, 'admin-user'
        subject = f'User:{user}'
        has(mqadmin('createUser', '-b', broker, '-u', user, '-p', 'first-secret', '-t', 'Normal'), f'create user to {broker} success')
        assert row(mqadmin('getUser', '-b', broker, '-u', user), user)[1:4] == ['first-secret', 'Normal', 'enable']
        assert 'The user is existed' in mqadmin('createUser', '-b', broker, '-u', user, '-p', 'first-secret')
        yield 'createUser'
        for change in (('-p', 'second-secret'), ('-s', 'disable')):
            has(mqadmin('updateUser', '-b', broker, '-u', user, *change), 'success')
        assert row(mqadmin('getUser', '-b', broker, '-u', user), user)[1:4] == ['second-secret', 'Normal', 'disable']
        assert 'The user is not exist' in mqadmin('updateUser', '-b', broker, '-u', 'nobody', '-p', 'some-secret')
        yield 'updateUser'
        text = mqadmin('listUser', '-b', broker)
        row(text, user)
        row(text, arguments.access.split(':')[0], 'Super')
        assert user not in mqadmin('listUser', '-b', broker, '-f', 'no-such-name')
        yield 'listUser'
        has(mqadmin('copyUser', '-f', broker, '-t', broker, '-u', user), f'copy user of {user}')
        yield 'copyUser'
        has(mqadmin('createAcl', '-b', broker, '-s', subject, '-r', 'Topic:orders*,Group:billing', '-a', 'Pub,Sub', '-i', '10.0.0.0/8,127.0.0.1',
                    '-d', 'Allow'), f'create acl to {broker} success')
        text = mqadmin('getAcl', '-b', broker, '-s', subject)
        has(text, 'Custom', 'Topic:orders*', 'Group:billing', 'Pub', '10.0.0.0/8', 'Allow')
        assert 'The source ip is invalid' in mqadmin('createAcl', '-b', broker, '-s', subject, '-r', 'Topic:t', '-a', 'Pub', '-i', '10.0', '-d', 'Allow')
        assert 'is not exist' in mqadmin('createAcl', '-b', broker, '-s', 'User:nobody', '-r', 'Topic:t', '-a', 'Pub', '-d', 'Allow')
        yield 'createAcl'
        has(mqadmin('updateAcl', '-b', broker, '-s', subject, '-r', 'Group:billing', '-a', 'Get', '-d', 'Deny'), 'success')
        has(mqadmin('getAcl', '-b', broker, '-s', subject), 'Deny', 'Get')
        yield 'updateAcl'
        has(mqadmin('listAcl', '-b', broker, '-s', user), subject, 'Group:billing')
        assert 'Group:billing' not in mqadmin('listAcl', '-b', broker, '-s', user, '-r', 'Topic')
        yield 'listAcl'
        has(mqadmin('copyAcl', '-f', broker, '-t', broker, '-s', subject), f'copy acl of {subject}')
        yield 'copyAcl'
        has(mqadmin('deleteAcl', '-b', broker, '-s', subject, '-r', 'Group:billing'), 'success')
        text = mqadmin('getAcl', '-b', broker, '-s', subject)
        assert 'Group:billing' not in text and 'Topic:orders*' in text, text
        has(mqadmin('deleteAcl', '-b', broker, '-s', subject), 'success')
        assert 'The acl is not exist' in mqadmin('deleteAcl', '-b', broker, '-s', subject)
        yield 'deleteAcl'
        has(mqadmin('deleteUser', '-b', broker, '-u', user), 'success')
        assert user not in mqadmin('listUser', '-b', broker)
        yield 'deleteUser'
        # Here, where nobody else wants to write.
        topic = self.topic + '-kept'
        has(mqadmin('updateTopic', '-b', broker, '-t', topic, '-r', 2, '-w', 2), 'success')
        mqadmin.until('"perm":6', 'topicRoute', '-t', topic)
        has(mqadmin('wipeWritePerm', '-b', rocketmq.BROKER), 'OK')
        mqadmin.until('"perm":4', 'topicRoute', '-t', topic)
        has(mqadmin('addWritePerm', '-b', rocketmq.BROKER), 'OK')
        mqadmin.until('"perm":6', 'topicRoute', '-t', topic)
        yield 'wipeWritePerm'

    def clients(self, mqadmin):
        """With a producer and a consumer of the Java client that stay while it is asked about them."""
        prefix = f'online-{self.group}'
        topic, group, producer = prefix + '-topic', prefix + '-group', prefix + '-producer'
        mqadmin('updateTopic', '-b', self.broker, '-t', topic, '-r', 2, '-w', 2)
        stays = subprocess.Popen(runner.java(arguments.home, [f'-Dchorus.namesrv={arguments.namesrv}'], f'{java5.classes}:{java5.jars}', 'Stays',
                                             topic, group, producer), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            client_id = stays.stdout.readline().strip()
            text = mqadmin('consumerConnection', '-g', group)
            has(text, client_id, topic, 'CLUSTERING', 'JAVA', 'CONSUME_FROM_FIRST_OFFSET')
            yield 'consumerConnection'
            has(mqadmin.until('JAVA', 'producerConnection', '-g', producer, '-t', topic), '127.0.0.1', 'JAVA')
            yield 'producerConnection'
            text = mqadmin('consumerStatus', '-g', group)
            has(text, client_id)
            yield 'consumerStatus'
            mqadmin.until(topic, 'consumerProgress', '-g', group)
            has(mqadmin.until('Consume Diff Total: 0', 'consumerProgress', '-g', group), topic, rocketmq.BROKER)  # it commits each 5 s
            yield 'consumerProgress'
            has(mqadmin('consumerProgress'), group)
            yield 'consumerProgress_all'
            has(mqadmin('brokerConsumeStats', '-b', self.broker), topic, group)
            yield 'brokerConsumeStats'
            has(mqadmin('updateSubGroup', '-b', self.broker, '-g', group + '-clone'), 'success')
            has(mqadmin('cloneGroupOffset', '-s', group, '-d', group + '-clone', '-t', topic, '-o', 'true'), 'success')
            yield 'cloneGroupOffset'
            has(mqadmin('producer', '-b', self.broker), producer)
            yield 'producer'
            has(mqadmin('skipAccumulatedMessage', '-g', group, '-t', topic), rocketmq.BROKER)
            yield 'skipAccumulatedMessage'
            has(mqadmin('resetOffsetByTime', '-g', group, '-t', topic, '-s', '0'), rocketmq.BROKER)
            yield 'resetOffsetByTime_online'
        finally:
            stays.stdin.close()
            stays.wait(30)


def run(lists, suite, classes, jars, report):
    mqadmin = Mqadmin(arguments, classes, jars)
    for name in lists:
        began = time.monotonic()
        last = 'the beginning'
        try:
            for scenario in getattr(suite, name)(mqadmin):
                report('ok', scenario, began)
                began, last = time.monotonic(), scenario
        except Exception as why:  # noqa: BLE001 - what is behind it in this list needs what failed
            report('FAILED', f'{name}_after_{last}'.replace(' ', '_'), began, f'{type(why).__name__}: {why}')
    mqadmin.close()


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--namesrv', required=True)
    parser.add_argument('--broker', required=True)
    parser.add_argument('--home', required=True)
    parser.add_argument('--access', default='')
    parser.add_argument('--list', action='append', choices=['broker_state', 'topics', 'messages', 'clients', 'users'])
    parser.add_argument('patterns', nargs='*', default=['*'])
    arguments = parser.parse_args()
    jars = rocketmq.class_path(5)
    classes = runner.compiled('mqadmin', [HERE / 'Mqadmin.java'], jars)
    java5 = runner.CLIENTS['java5']
    java5.prepare()
    failures = []
    lock = threading.Lock()

    def report(verdict, scenario, began, why=''):
        with lock:
            ms = int((time.monotonic() - began) * 1000)
            if verdict == 'FAILED':
                failures.append(scenario)
            if any(fnmatch.fnmatch(scenario, pattern) for pattern in arguments.patterns) or verdict == 'FAILED':
                print(f'{verdict} {scenario} {ms}' + (': ' + why.replace('\n', ' | ') if why else ''), flush=True)

    suite = Suite(arguments)
    every = (('users',),) if arguments.access else (('broker_state', 'topics'), ('messages', 'clients'))
    if arguments.list:
        every = (arguments.list,)
    threads = [threading.Thread(target=run, args=(lists, suite, classes, jars, report))
               for lists in every]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.exit(1 if failures else 0)
