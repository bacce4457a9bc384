// A reporter for mocha: of each test that is wanted one line, as the other clients have of their scenarios, and one at the end.
'use strict';

const { Runner } = require('mocha');
const { LEFT_OUT, name_of, is_wanted } = require('./own_tests');

function keep_wanted(suite) {
  suite.tests = suite.tests.filter(is_wanted);  // of a suite without tests nothing is run, neither what it does before and after them
  suite.suites.forEach(keep_wanted);
}

module.exports = class {
  constructor(runner) {
    let began = 0;
    keep_wanted(runner.suite);
    const say = (verdict, test, why) => {
      const line = `${verdict} ${name_of(test)} ${Date.now() - began}`;
      process.stdout.write(why ? `${line}: ${String(why).replace(/\s*\n\s*/g, ' | ')}\n` : `${line}\n`);
    };
    const { EVENT_TEST_BEGIN, EVENT_TEST_PASS, EVENT_TEST_FAIL, EVENT_TEST_PENDING, EVENT_RUN_END } = Runner.constants;
    runner.on(EVENT_TEST_BEGIN, () => { began = Date.now(); });
    runner.on(EVENT_TEST_PASS, test => say('ok', test));
    runner.on(EVENT_TEST_FAIL, (test, error) => say('FAILED', test, error.stack || error.message || error));
    runner.on(EVENT_TEST_PENDING, test => {
      began = Date.now();
      say('skipped', test, LEFT_OUT[test.fullTitle()] || 'its authors leave it out');
    });
    runner.on(EVENT_RUN_END, () => process.stdout.write('all of this part were run\n'));
  }
};
