import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePrefix } from '../../src/base/prefix.js';
import type { Instant } from '../../src/base/time.js';
import type { Engine, Input, Output, Row } from '../../src/protocol/contract.js';
import type { PlacedRole } from '../../src/scenario/place.js';
import type { AnySchemeName } from './explain.js';
import { generate, isProxyScheme } from './generate.js';
import { generateMobiles } from './generate-mobiles.js';
import { type RunOptions, runSchedule } from './run.js';
import { runMobileSchedule } from './run-mobiles.js';
import type { Offence } from './watched.js';

/** An engine with something wrong. */
class Mutant implements Engine {
  readonly #engine: Engine;
  readonly #wrong: Wrong;

  constructor(engine: Engine, wrong: Wrong) {
    this.#engine = engine;
    this.#wrong = wrong;
  }

  get interests(): Engine['interests'] {
    return this.#engine.interests;
  }
  get counters(): Engine['counters'] {
    return this.#engine.counters;
  }
  get deadline(): Instant | undefined {
    const { deadline } = this.#engine;
    return this.#wrong.deadline ? this.#wrong.deadline(deadline) : deadline;
  }
  get views(): Engine['views'] {
    const { row } = this.#wrong;
    if (!row) return this.#engine.views;
    const views = Object.entries(this.#engine.views);
    return Object.fromEntries(views.map(([name, rows]) => [name, () => [...rows()].map(row)]));
  }

  handle(input: Input, now: Instant): Output[] {
    const { hears = () => true, asks = output => [output] } = this.#wrong;
    return hears(input) ? this.#engine.handle(input, now).flatMap(asks) : [];
  }
}

/** What is wrong with it. */
interface Wrong {
  readonly hears?: (input: Input) => boolean;
  /** What becomes of an output. */
  readonly asks?: (output: Output) => Output[];
  readonly deadline?: (deadline: Instant | undefined) => Instant | undefined;
  readonly row?: (row: Row) => Row;
}

const anchors = ['lmap', 'lma'];
const gateways = ['mpa', 'mag'];

/** Whether some schedule shows that engines of these roles are wrong, and breaks that promise. */
function isCaught(
  invariant: string,
  roles: readonly string[],
  make: () => Wrong,
  scheme: AnySchemeName = 'lmm',
): boolean {
  for (let seed = 1; seed <= 30; seed++) {
    const mutate = (engine: Engine, { role }: PlacedRole) =>
      roles.includes(role) ? new Mutant(engine, make()) : engine;
    if (run(seed, scheme, { mutate }).some(offence => offence.invariant === invariant)) return true;
  }
  return false;
}

function run(seed: number, scheme: AnySchemeName, options: RunOptions): Offence[] {
  if (isProxyScheme(scheme)) return runSchedule(generate(seed, scheme), options);
  return runMobileSchedule(generateMobiles(seed, scheme), options);
}

const forgets = (kind: Output['kind']) => (): Wrong => ({ asks: output => (output.kind === kind ? [] : [output]) });

test('caught: a gateway that keeps rules, an anchor that keeps them', () => {
  assert.ok(isCaught('rules', gateways, forgets('unforward')));
  assert.ok(isCaught('rules', anchors, forgets('unforward')));
});

test('caught: tunnel ends left open, or never opened', () => {
  assert.ok(isCaught('tunnel-ends', anchors, forgets('unadmit')));
  assert.ok(isCaught('tunnel-ends', gateways, forgets('unadmit')));
  assert.ok(isCaught('tunnel-ends', anchors, forgets('admit')));
});

test('caught: records that outlive what they are of', () => {
  const wrong = (): Wrong => ({
    asks: output => (output.kind === 'store' && output.value === undefined ? [] : [output]),
  });
  assert.ok(isCaught('no-leak', gateways, wrong));
  assert.ok(isCaught('no-leak', anchors, wrong));
});

test('caught: a deadline that stays when everybody is gone, and one that stays in the past', () => {
  assert.ok(isCaught('no-leak', gateways, () => ({ deadline: deadline => deadline ?? 1e18 })));
  assert.ok(isCaught('deadline', gateways, () => ({ deadline: deadline => deadline && 1 })));
});

test('caught: packets for one mobile that go to another', () => {
  const wrong = (): Wrong => {
    let first: string | undefined;
    return {
      asks: output => {
        if (output.kind !== 'forward' || output.rule.via.kind !== 'link') return [output];
        const neighbour = output.rule.via.neighbour;
        first ??= neighbour;
        const via = { ...output.rule.via, neighbour: first as typeof neighbour };
        return [{ kind: 'forward', rule: { ...output.rule, via } }];
      },
    };
  };
  assert.ok(isCaught('right-node', gateways, wrong));
});

test('caught: packets for the absent that go back into the tunnel', () => {
  const from = parsePrefix('::/0');
  const wrong = (): Wrong => ({
    asks: output =>
      output.kind === 'admit'
        ? [{ kind: 'admit', end: { local: output.end.local, remote: output.end.remote, from } }]
        : output.kind === 'unadmit'
          ? []
          : [output],
  });
  assert.ok(isCaught('no-loop', gateways, wrong));
});

test('caught: a gateway that hears no answers, one that hears of no departures', () => {
  const answers = (input: Input) =>
    input.kind === 'packet' &&
    input.packet.payload.kind === 'mobility' &&
    input.packet.payload.message.kind === 'bindingAcknowledgement';
  assert.ok(isCaught('reachable-downlink', gateways, () => ({ hears: input => !answers(input) })));
  assert.ok(isCaught('reachable-uplink', gateways, () => ({ hears: input => !answers(input) })));
  assert.ok(isCaught('entries', gateways, () => ({ hears: input => input.kind !== 'detached' }), 'pmip6'));
});

test('caught: a PMIP client, and a MAG, that hear nothing of each other', () => {
  const deaf = () => ({ hears: (input: Input) => input.kind !== 'packet' || input.packet.payload.kind !== 'raw' });
  assert.ok(isCaught('entries', ['pmip-client'], deaf, 'netlmm'));
  assert.ok(isCaught('entries', ['mag'], deaf, 'netlmm'));
});

test('caught: one address of two mobiles, two bindings of one mobile', () => {
  assert.ok(
    isCaught('one-holder', anchors, () => ({ row: row => (row.home ? { ...row, home: 'fd00::1/128' } : row) })),
  );
  const nobody = (row: Row) => (row.home ? { ...row, identity: 'nobody' } : row);
  assert.ok(isCaught('one-place', anchors, () => ({ row: nobody })));
});

test('caught: an engine that throws', () => {
  const wrong = (): Wrong => ({
    hears: input => {
      if (input.kind === 'detached') throw new Error('what?');
      return true;
    },
  });
  assert.ok(isCaught('no-exception', gateways, wrong));
});

test('caught: a home agent, a correspondent, a MAP, a mobile that keeps rules or tunnel ends, or opens none', () => {
  assert.ok(isCaught('rules', ['ha'], forgets('unforward'), 'mip6'));
  assert.ok(isCaught('rules', ['cn'], forgets('unforward'), 'mip6'));
  assert.ok(isCaught('rules', ['map'], forgets('unforward'), 'hmip6-tunnel'));
  assert.ok(isCaught('no-leak', ['mn'], forgets('unforward'), 'mip6'));
  assert.ok(isCaught('tunnel-ends', ['ha'], forgets('unadmit'), 'mip6'));
  assert.ok(isCaught('tunnel-ends', ['cn'], forgets('admit'), 'mip6'));
  assert.ok(isCaught('no-leak', ['mn'], forgets('unadmit'), 'mip6'));
});

test('caught: a mobile that misses where it has come to, a home agent and a correspondent that are wrong about it', () => {
  const missesLater = (): Wrong => {
    let heard = 0;
    return { hears: input => input.kind !== 'router' || heard++ < 2 };
  };
  assert.ok(isCaught('reachable-downlink', ['mn'], missesLater, 'mip6-tunnel'));
  const elsewhere = (): Wrong => ({ row: row => (row.careOf ? { ...row, careOf: 'fd00::bad' } : row) });
  assert.ok(isCaught('agreement', ['ha'], elsewhere, 'mip6-tunnel'));
  assert.ok(isCaught('agreement', ['cn'], elsewhere, 'mip6'));
  assert.ok(isCaught('agreement', ['map'], elsewhere, 'hmip6-tunnel'));
});

test('caught: a home agent that forgets nothing, one that is deaf, a mobile that opens no tunnel end', () => {
  const remembers = (): Wrong => ({
    asks: output => (output.kind === 'store' && output.value === undefined ? [] : [output]),
  });
  assert.ok(isCaught('no-leak', ['ha'], remembers, 'mip6-tunnel'));
  assert.ok(isCaught('reachable-downlink', ['ha'], () => ({ hears: input => input.kind !== 'packet' }), 'mip6-tunnel'));
  assert.ok(isCaught('reachable-downlink', ['mn'], forgets('admit'), 'mip6'));
});

test('caught: a local mobility agent that keeps rules, tunnel ends or records, opens no ends, or is wrong about who is where', () => {
  for (const scheme of ['lma6-2', 'lma6-3', 'lma6-4'] as const) {
    assert.ok(isCaught('rules', ['lma6'], forgets('unforward'), scheme), scheme);
    assert.ok(isCaught('tunnel-ends', ['lma6'], forgets('unadmit'), scheme), scheme);
    assert.ok(isCaught('tunnel-ends', ['lma6'], forgets('admit'), scheme), scheme);
  }
  const elsewhere = (): Wrong => ({ row: row => (row.agent ? { ...row, careOf: 'fd00::bad' } : row) });
  assert.ok(isCaught('agreement', ['lma6'], elsewhere, 'lma6-4'));
  const waits = (): Wrong => ({ row: row => (row.agent ? { ...row, home: 'fd00::1' } : row) });
  assert.ok(isCaught('rules', ['lma6'], waits, 'lma6-2'));
  const remembers = (): Wrong => ({
    asks: output => (output.kind === 'store' && output.value === undefined ? [] : [output]),
  });
  assert.ok(isCaught('no-leak', ['lma6'], remembers, 'lma6-3'));
});

test('caught: an LMA of a domain that keeps rules or tunnel ends, sends what others intercepted round, or is wrong about where mobiles are', () => {
  const lmas = ['dlma'];
  assert.ok(isCaught('rules', lmas, forgets('unforward'), 'dlma'));
  assert.ok(isCaught('tunnel-ends', lmas, forgets('unadmit'), 'dlma'));
  assert.ok(isCaught('tunnel-ends', lmas, forgets('admit'), 'dlma'));
  const interceptsAgain = (): Wrong => ({
    asks: output =>
      output.kind === 'forward' && output.rule.intercepts
        ? [output, { kind: 'forward', rule: { to: output.rule.to, via: output.rule.via } }]
        : [output],
  });
  assert.ok(isCaught('no-loop', lmas, interceptsAgain, 'dlma'));
  for (const column of ['to', 'anchor'])
    assert.ok(
      isCaught(
        'converged',
        lmas,
        () => ({ row: row => (row[column] ? { ...row, [column]: 'fd00::bad' } : row) }),
        'dlma',
      ),
      column,
    );
  const remembers = (): Wrong => ({
    asks: output => (output.kind === 'store' && output.value === undefined ? [] : [output]),
  });
  assert.ok(isCaught('no-leak', lmas, remembers, 'dlma'));
});
