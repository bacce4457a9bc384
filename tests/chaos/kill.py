"""kill -9 in the middle of pipelined writes, again and again, and the gentle end."""
import contextlib
import random
import tempfile

import servers
import wire
from servers import wait_until
from writer import Writer

WRITERS = 4


class Story:
    """One server that is killed over and over, and the writers that outlive it."""

    def __init__(self, options):
        self.random = random.Random(options.seed)
        self.directory = tempfile.TemporaryDirectory(prefix='chorus-chaos-')
        self.server = servers.KINDS[options.peer](self.directory.name)
        self.server.start()
        session = wire.Session(self.server.address)
        session.create('/chaos')
        session.close()
        self.born = 0
        self.acknowledged = self.undecided = self.resumed = 0
        self.writers = [self.new_writer() for _ in range(WRITERS)]

    def new_writer(self):
        self.born += 1
        path = f'/chaos/w{self.born:04d}'
        session = wire.Session(self.server.address)
        session.create(path)
        session.close()
        return Writer(self.server.address, path, self.random.getrandbits(32))

    def round(self):
        """Writes, kill, restart, and everything that must hold then."""
        for writer in self.writers:
            writer.start()
        enough = self.random.randint(20, 3000)
        wait_until(lambda: sum(w.acknowledged for w in self.writers) >= enough, f'{enough} acknowledgements', 60, 0.0005)
        self.server.kill()
        for writer in self.writers:
            writer.join()
            writer.session.cut()
        self.server.start()
        reader = wire.Session(self.server.address)
        for writer in self.writers:
            done = writer.check(reader)
            self.acknowledged += writer.acknowledged
            self.undecided += len(writer.steps) - done
            writer.resume()
            self.resumed += 1
        # One of the sessions ends, and its ephemerals with it; the others go on into the next round.
        leaving = self.writers.pop(0)
        leaving.session.close()
        left = {path: entry for path, entry in leaving.nodes.items() if not entry[2]}
        names = reader.children(leaving.path)
        assert names == sorted(path.rsplit('/', 1)[1] for path in left), f'{leaving.path}: ephemerals outlive their session'
        reader.close()
        self.writers.append(self.new_writer())

    def graceful(self):
        """SIGTERM in the middle of the same: status 0, nothing lost, sessions and their ephemerals alive."""
        for writer in self.writers:
            writer.start()
        wait_until(lambda: sum(w.acknowledged for w in self.writers) >= 500, '500 acknowledgements', 60, 0.0005)
        status = self.server.stop(20)
        for writer in self.writers:
            writer.join()
            writer.session.cut()
        assert status in (0, 143 if self.server.name == 'java' else 0), f'status {status}:\n{self.server.log_tail()}'
        self.server.start()
        reader = wire.Session(self.server.address)
        for writer in self.writers:
            writer.check(reader)
            writer.resume()
        reader.close()

    def goes_on(self):
        """After all of that it is an ordinary server: sessions write on and close."""
        for writer in self.writers:
            writer.start()
        wait_until(lambda: sum(w.acknowledged for w in self.writers) >= 500, '500 acknowledgements', 60)
        reader = wire.Session(self.server.address)
        for writer in self.writers:
            writer.finish()
            assert writer.check(reader) == len(writer.steps), 'an answered request was not carried out'
            writer.session.close()
        reader.close()

    def end(self):
        self.server.kill()
        self.directory.cleanup()
        print(f'  killed in mid-write: {self.acknowledged} acknowledged writes, 0 of them lost where no check failed; '
              f'{self.undecided} sent ones not carried out; {self.resumed} sessions resumed', flush=True)


def add_checks(suite, options):
    story = None

    def told(act):
        def check():
            nonlocal story
            story = story or Story(options)
            act(story)
        return check

    for number in range(1, options.rounds + 1):
        suite.add(f'kill_round_{number}', told(Story.round))
    suite.add('terminated_gracefully', told(Story.graceful))
    suite.add('goes_on_afterwards', told(Story.goes_on))

    def end():
        with contextlib.suppress(Exception):
            story.end()
    suite.at_end(end)
