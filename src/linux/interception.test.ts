import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  admit,
  block,
  buildAnchors,
  checkInterception,
  correspondent,
  forward,
  home,
  mobile,
  nobody,
  nobodysHome,
  rules,
  sendDatagram,
  startAnchors,
  tunnel,
} from '../../test/support/linux-anchors.js';
import { marks, sniff } from '../../test/support/linux-checks.js';
import { ping } from '../../test/support/linux-row.js';
import type { Output } from '../protocol/contract.js';
import type { Namespaces } from './namespaces.js';
import { namespaceTest, until } from './testing.js';

const between = { namespace: 'first', device: 'between', filter: 'ip6 proto 41' } as const;
const there = 'IP6 2001:db8:b:1::1 > 2001:db8:b:1::2: IP6 2001:db8:c::2';
const back = 'IP6 2001:db8:b:1::2 > 2001:db8:b:1::1: IP6 2001:db8:c::2';

namespaceTest(
  'contract: what an anchor has intercepted no other intercepts again, and goes by the rules that take all',
  async namespaces => {
    buildAnchors(namespaces);
    const { second } = await startAnchors(namespaces);
    await checkInterception(namespaces, second);
  },
);

namespaceTest('contract: what comes by an end that intercepts nothing is intercepted', async namespaces => {
  buildAnchors(namespaces);
  const { second } = await startAnchors(namespaces);
  await second.perform(forward(home, tunnel('second', 'first'), true), admit('second', 'first', { to: block }));
  const lines = await sniff(namespaces, { ...between, packets: 2 }, () => sendDatagram(namespaces, mobile));
  for (const [i, way] of [there, back].entries())
    assert.ok(lines[i].startsWith(`${way}.7 > 2001:db8:a::5.9`), lines[i]);
  await second.perform(admit('second', 'first', { to: block }, true));
  assert.equal(ping(namespaces, 'correspondent', '2001:db8:a::5'), 3);
});

namespaceTest(
  'contract: what was intercepted and no rule names goes nowhere, by no rule of its source and no route',
  async namespaces => {
    buildAnchors(namespaces);
    const { second, gateway } = await startAnchors(namespaces);
    const from = { address: correspondent, length: 128 };
    await second.perform({ kind: 'forward', rule: { from, via: tunnel('second', 'gateway') } });
    const lines = await sniff(namespaces, { ...between, packets: 2 }, () => {
      sendDatagram(namespaces, nobody);
      sendDatagram(namespaces, mobile);
    });
    assert.deepEqual(
      lines.map(line => line.startsWith(there)),
      [true, true],
    );
    assert.equal((await gateway.statistics()).strangers, 0);
  },
);

namespaceTest(
  'contract: a rule that intercepts and one that takes all stand side by side under one prefix, and go one by one',
  async namespaces => {
    buildAnchors(namespaces);
    const { first } = await startAnchors(namespaces);
    const reaches = () => ping(namespaces, 'correspondent', '2001:db8:a::5', 1) === 1;
    const toSecond = tunnel('first', 'second');
    const steps: [Output, boolean][] = [
      [{ kind: 'unforward', to: block }, true],
      [forward(block, { kind: 'drop' }), true],
      [{ kind: 'unforward', to: block, intercepts: true }, false],
      [forward(block, toSecond), true],
      [forward(block, { kind: 'drop' }, true), false],
      [{ kind: 'unforward', to: block, intercepts: true }, true],
      [{ kind: 'unforward', to: block }, false],
    ];
    for (const [i, [output, expected]] of steps.entries()) {
      await first.perform(output);
      assert.equal(reaches(), expected, `step ${i}`);
    }
    assert.equal((await first.statistics()).rules, 0);
  },
);

/** Pings three times, waits until all are parked, and says what becomes of them. */
async function parked(namespaces: Namespaces, world: { statistics(): Promise<{ parkedOctets: number }> }) {
  const options = { stdio: 'pipe' } as const;
  const pinging = namespaces.spawn('correspondent', 'ping', ['-c3', '-i0.02', '-W10', '2001:db8:a::5'], options);
  let report = '';
  pinging.stdout?.on('data', text => (report += text));
  const closed = once(pinging, 'close');
  await until('all parked', async () => (await world.statistics()).parkedOctets === 3 * 104);
  return async () => {
    await closed;
    return [...report.matchAll(/icmp_seq=(\d)/g)].map(match => match[1]).join('');
  };
}

namespaceTest(
  'draft-chan §6.2: what is parked while it is intercepted goes on in order when its rule is replaced',
  async namespaces => {
    buildAnchors(namespaces);
    const { first } = await startAnchors(namespaces);
    await first.perform(forward(home, { kind: 'park', limitOctets: 100_000 }, true));
    const arrived = await parked(namespaces, first);
    await first.perform(forward(home, tunnel('first', 'second'), true));
    assert.equal(await arrived(), '123');
  },
);

namespaceTest(
  'contract: what was intercepted and had to wait for its rule is still not intercepted',
  async namespaces => {
    buildAnchors(namespaces);
    const { second } = await startAnchors(namespaces);
    await second.perform(forward(home, { kind: 'park', limitOctets: 100_000 }));
    const arrived = await parked(namespaces, second);
    const lines = await sniff(namespaces, { ...between, packets: 1 }, async () => {
      // It would take the packets back.
      await second.perform(forward(home, tunnel('second', 'first'), true), forward(home, tunnel('second', 'gateway')));
      assert.equal(await arrived(), '123');
      sendDatagram(namespaces, nobody);
    });
    assert.ok(lines[0].startsWith(`${there}.7 > 2001:db8:a::77.9`), lines[0]);
  },
);

namespaceTest(
  'contract: on an access link a rule for a pair that intercepts comes before the rule by source alone',
  async namespaces => {
    buildAnchors(namespaces);
    const { gateway } = await startAnchors(namespaces);
    const pair = { to: nobodysHome, from: home, via: tunnel('gateway', 'first'), intercepts: true } as const;
    await gateway.perform({ kind: 'forward', rule: pair });
    const far = { namespace: 'gateway', device: 'far', filter: 'ip6 proto 41', packets: 2 };
    const lines = await sniff(namespaces, far, () => {
      ping(namespaces, 'mobile', '2001:db8:a::77', 1);
      ping(namespaces, 'mobile', '2001:db8:c::2', 1);
    });
    assert.ok(
      lines[0].startsWith('IP6 2001:db8:b:2::2 > 2001:db8:b:1::1: IP6 2001:db8:a::5 > 2001:db8:a::77'),
      lines[0],
    );
    assert.ok(
      lines[1].startsWith('IP6 2001:db8:b:2::2 > 2001:db8:b:1::2: IP6 2001:db8:a::5 > 2001:db8:c::2'),
      lines[1],
    );
  },
);

namespaceTest(
  'draft-chan §5.1: a gateway takes what an anchor has intercepted to its mobile, and back to no anchor when that is gone',
  async namespaces => {
    buildAnchors(namespaces);
    const { first, gateway } = await startAnchors(namespaces);
    for (const to of [home, nobodysHome]) await first.perform(forward(to, tunnel('first', 'gateway'), true));
    await gateway.perform(
      admit('gateway', 'first', { to: block }, true),
      admit('gateway', 'second', { to: home }, true),
    );
    const from = '-I 2001:db8:c::2';
    const far = { namespace: 'gateway', device: 'far', filter: 'ip6 proto 41' };
    const lines = await sniff(namespaces, { ...far, packets: 2 }, () =>
      assert.equal(ping(namespaces, 'correspondent', '2001:db8:a::5', 1, from), 1),
    );
    assert.match(
      lines[0],
      /^IP6 2001:db8:b:1::1 > 2001:db8:b:2::2: IP6 2001:db8:c::2 > 2001:db8:a::5: ICMP6, echo request/,
    );
    assert.match(
      lines[1],
      /^IP6 2001:db8:b:2::2 > 2001:db8:b:1::2: IP6 2001:db8:a::5 > 2001:db8:c::2: ICMP6, echo reply/,
    );
    await gateway.perform({ kind: 'unforward', to: home });
    const after = await sniff(namespaces, { ...far, packets: 2 }, () => {
      sendDatagram(namespaces, mobile);
      sendDatagram(namespaces, nobody);
    });
    // Had the gateway's default route taken the first one, it would stand between the two.
    const targets = after.map(line => /> (2001:db8:a::\S+)\.9: UDP/.exec(line)?.[1]);
    assert.deepEqual(targets, ['2001:db8:a::5', '2001:db8:a::77']);
    await gateway.perform(forward(home, tunnel('gateway', 'second')));
    const onwards = await sniff(namespaces, { ...far, packets: 2 }, () => sendDatagram(namespaces, mobile));
    assert.match(onwards[1], /^IP6 2001:db8:b:2::2 > 2001:db8:b:1::2: IP6 2001:db8:c::2/);
  },
);

namespaceTest(
  'restart: packets are told apart while no world runs; a successor that does not ask for it takes it out, and stop leaves nothing',
  async namespaces => {
    buildAnchors(namespaces);
    await until(
      'no tentative address',
      () => !namespaces.run('second', 'ip', '-6', 'addr', 'show', 'tentative').trim(),
    );
    const before = marks(namespaces, 'second');
    const worlds = await startAnchors(namespaces);
    await worlds.second.perform(forward(home, tunnel('second', 'first'), true));
    await worlds.second.kill();
    assert.equal(ping(namespaces, 'correspondent', '2001:db8:a::5'), 3);
    const again = await worlds.second.again(rules.second);
    await again.perform(forward(home, tunnel('second', 'first'), true));
    assert.equal(ping(namespaces, 'correspondent', '2001:db8:a::5'), 3);
    await again.kill();
    const tables = () => namespaces.run('second', 'ip', '-6', 'route', 'show', 'table', 'all', 'proto', '155');
    assert.match(tables(), /table 39686/);
    const plain = await again.again([forward(home, tunnel('second', 'gateway')), ...rules.second.slice(3)]);
    assert.doesNotMatch(tables() + namespaces.run('second', 'ip', '-6', 'rule'), /3968[67]/);
    await plain.stop();
    assert.deepEqual(marks(namespaces, 'second'), before);
  },
);
