#!/usr/bin/python3
"""The tests that ali-ons has of itself: own_suite.py --namesrv HOST:PORT --broker HOST:PORT --home FOLDER --access USER:SECRET [PATTERN]...

The package is that of npm (install.py), its tests come from its source repository (scripts/fetch-ali-ons), unchanged. They are written against
Alibaba's cloud: the configuration that they read is one of ours, the server of addresses that they ask over HTTP is here, and the name of the
cloud's NameServer stands for the one that is tested (own_tests.js). Three parts run at a time, each with topic and groups of its own, since
they sleep for most of their minutes. One line of each, "skipped" with the reason for those that are left out; when the source repository is
not reached, one "skipped" for all.
"""
import argparse
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[3]
sys.path.insert(0, str(ROOT / 'tests/support/rocketmq'))
import rocketmq  # noqa: E402
from install import install  # noqa: E402

ADDRESSES_HOST, NAMESRV_HOST = 'onsaddr-internet.aliyun.com', 'onsaddr.mq-internet-access.mq-internet.aliyuncs.com'
PARTS = {'index': ['test/index.test.js'], 'index_namesrv': ['test/index_namesrv.test.js'], 'others': None}
NOT_REACHED = 3  # of scripts/fetch-ali-ons


class Addresses(http.server.BaseHTTPRequestHandler):
    """What tells clients of Alibaba's cloud where its NameServers are."""
    namesrv = ''

    def do_GET(self):
        body = f'{self.namesrv}\n'.encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def assemble(place, home, part, source, access):
    """A folder with the package of npm, its tests, and a configuration with the names of this part."""
    folder = home / part
    folder.mkdir()
    shutil.copytree(place / 'node_modules/ali-ons/lib', folder / 'lib')
    shutil.copy(place / 'node_modules/ali-ons/package.json', folder)
    shutil.copytree(source / 'test', folder / 'test')
    (folder / 'node_modules').symlink_to(place / 'node_modules')
    user, secret = access.split(':')
    run = int(time.time()) % 10**8
    config = {'accessKeyId': user, 'accessKeySecret': secret, 'producerGroup': f'PID_{part}_{run}', 'consumerGroup': f'GID_{part}_{run}',
              'topic': f'TP_{part}_{run}', 'nameSrv': f'{NAMESRV_HOST}:80', 'onsAddr': f'http://{ADDRESSES_HOST}/rocketmq/nsaddr4client-internet'}
    (folder / 'example').mkdir()
    (folder / 'example/config.js').write_text(f'module.exports = {json.dumps(config)};\n')
    return folder, config['topic']


def make_topic(place, arguments, topic):
    subprocess.run(['node', str(place / 'make_topic.js'), arguments.namesrv, arguments.broker, *arguments.access.split(':'), topic], check=True,
                   stdout=sys.stderr, env={**os.environ, 'HOME': arguments.home}, timeout=60)
    rocketmq.wait_until(lambda: rocketmq.answers(arguments.namesrv, 105, {'topic': topic}), f'{topic} has a route', every=0.05)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--namesrv', required=True)
    parser.add_argument('--broker', required=True)
    parser.add_argument('--home', required=True)
    parser.add_argument('--access', required=True, metavar='USER:SECRET')
    parser.add_argument('patterns', nargs='*', default=['*'])
    arguments = parser.parse_args()
    fetched = subprocess.run([ROOT / 'scripts/fetch-ali-ons'], stdout=subprocess.PIPE, text=True)
    if fetched.returncode == NOT_REACHED:
        print('skipped all_of_them 0: the source repository of ali-ons, which alone has its tests, is not reached')
        return 0
    if fetched.returncode:
        return 2
    place, home, source = install(), pathlib.Path(arguments.home), pathlib.Path(fetched.stdout.strip())
    Addresses.namesrv = arguments.namesrv
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Addresses)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stand_ins = {f'{NAMESRV_HOST}:80': arguments.namesrv, f'{ADDRESSES_HOST}:80': f'127.0.0.1:{server.server_port}'}
    for name in ('own_tests.js', 'own_report.js', 'make_topic.js'):  # where they find mocha and the package
        shutil.copy(HERE / name, place / name)

    def run(part):
        folder, topic = assemble(place, home, part, source, arguments.access)
        make_topic(place, arguments, topic)
        taken = {file for files in PARTS.values() if files for file in files}
        files = PARTS[part] or sorted(str(path.relative_to(folder)) for path in folder.glob('test/**/*.test.js'))
        process = subprocess.Popen(
            ['node', str(place / 'node_modules/mocha/bin/mocha.js'), '--exit', '--timeout', '120000',  # as its own package.json has it
             '--require', str(place / 'own_tests.js'), '--reporter', str(place / 'own_report.js'),
             *(file for file in files if PARTS[part] or file not in taken)],
            cwd=folder, stdout=subprocess.PIPE, text=True,
            env={**os.environ, 'HOME': str(folder), 'OWN_PATTERNS': ' '.join(arguments.patterns), 'OWN_PLACES': json.dumps(stand_ins)})
        whole = False
        for line in process.stdout:
            whole = whole or line == 'all of this part were run\n'
            print(line, end='', flush=True)
        process.wait()
        if not whole:
            print(f'FAILED {part}_ends 0: mocha ended with {process.returncode} in the middle')
        return process.returncode != 0 or not whole

    results = []
    threads = [threading.Thread(target=lambda part=part: results.append(run(part))) for part in PARTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 1 if any(results) or len(results) != len(PARTS) else 0


if __name__ == '__main__':
    sys.exit(main())
