import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { echoRole } from '../../test/daemon/echo-role.js';
import { parseAddress } from '../base/address.js';
import { parseLinkAddress } from '../base/link-address.js';
import { parsePrefix } from '../base/prefix.js';
import type { WorldOptions, WorldStatistics } from '../linux/world.js';
import type { Engine, Input, OperatorCommand, Output } from '../protocol/contract.js';
import type { ControlRequest } from './control.js';
import { askDaemon } from './ctl.js';
import { Daemon, type World } from './daemon.js';

let directory: string;
let daemon: Daemon | undefined;
let world: RecordingWorld;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-daemon-'));
});
afterEach(async () => {
  await daemon?.stop();
  daemon = undefined;
  rmSync(directory, { recursive: true });
});

/** Does nothing of what it is asked but `store`, and remembers the rest. */
class RecordingWorld implements World {
  readonly outputs: Output[] = [];
  readonly inputs: Input[] = [];
  stopped = false;
  constructor(
    readonly engine: Engine,
    readonly options: WorldOptions,
  ) {}
  async start() {
    this.handle({ kind: 'restored', records: this.options.store.records() });
  }
  async stop() {
    this.stopped = true;
  }
  handle(input: Input) {
    this.inputs.push(input);
    const outputs = this.engine.handle(input, 0);
    this.outputs.push(...outputs);
    for (const output of outputs) if (output.kind === 'store') this.options.store.put(output.key, output.value);
  }
  command(command: OperatorCommand) {
    this.handle({ kind: 'command', command });
  }
  readonly statistics = {
    packetsReceived: 3,
    packetsSent: 0,
    malformed: { truncated: 2 },
    hostErrors: {},
    strangers: 0,
    spoofed: 0,
    rules: 1,
  } as unknown as WorldStatistics;
}

function recorded(engine: Engine, options: WorldOptions): World {
  world = new RecordingWorld(engine, options);
  return world;
}

function configure(role: string, world = ''): string {
  const file = join(directory, 'echo.yaml');
  writeFileSync(
    file,
    `echo: { address: "2001:db8::1", accessLinks: [{ name: access0 }]${role} }
world:
  links: { access0: { device: lo } }
  stateDirectory: ${directory}
  controlSocket: ${directory}/echo.sock
  metrics: false
  log: { level: error }
${world}`,
  );
  return file;
}

async function start(): Promise<void> {
  daemon = await Daemon.start(echoRole, configure(''), recorded);
}

const ask = (request: ControlRequest) => askDaemon(join(directory, 'echo.sock'), request);

test('daemon: answers over its control socket, which only its own user may use, and takes it away when it stops', async () => {
  await start();
  const socket = join(directory, 'echo.sock');
  assert.equal(statSync(socket).mode & 0o777, 0o600);
  assert.deepEqual(await ask({ command: 'show', topic: 'visitors' }), []);
  await ask({ command: 'attach', link: 'access0', station: '02:00:00:00:00:01', identity: 'a@example.net' });
  assert.deepEqual(await ask({ command: 'show', topic: 'visitors' }), [{ identity: 'a@example.net' }]);
  assert.deepEqual(await ask({ command: 'show', topic: 'rules' }), [{ to: '2001:db8:ffff::1/128', via: 'drop' }]);
  const counters = await ask({ command: 'show', topic: 'counters' });
  assert.ok(counters.some(row => row.counter === 'malformed.truncated' && row.value === 2));
  await daemon!.stop();
  assert.ok(world.stopped);
  assert.ok(!existsSync(socket));
  daemon = undefined;
});

test('daemon: what it cannot do it refuses in so many words', async () => {
  await start();
  await assert.rejects(
    ask({ command: 'show', topic: 'bindings' }),
    /no 'bindings' here; echo shows visitors, maps, heard, rules, /,
  );
  await assert.rejects(ask({ command: 'release', identity: 'b@example.net' }), /no 'b@example.net' here/);
  await assert.rejects(
    ask({ command: 'attach', link: 'eth9', station: '02:00:00:00:00:01' }),
    /no access link 'eth9'; there is access0/,
  );
  await assert.rejects(ask({ command: 'attach', link: 'access0', station: 'x' }), /expected a link-layer address/);
  await assert.rejects(
    ask({ command: 'expect', link: 'access0', accessPoint: '02:00:00:00:00:01' }),
    /no such link 'access0'; there is none/,
  );
  await assert.rejects(ask({ command: 'dance' } as unknown as ControlRequest), /no such command: "dance"/);
});

test('draft-singh App. D: a gateway hears where a station comes from, and where it is about to go', async () => {
  await start();
  const [station, accessPoint] = ['02:00:00:00:00:01', '02:0a:50:00:00:0a'];
  await ask({ command: 'expect', link: 'access0', station, accessPoint });
  await ask({ command: 'attach', link: 'access0', station, previousAccessPoint: accessPoint });
  const link = { link: 'access0', station: parseLinkAddress(station) };
  assert.deepEqual(world.inputs.slice(1), [
    { kind: 'handoffExpected', ...link, accessPoint: parseLinkAddress(accessPoint) },
    { kind: 'attached', ...link, accessTechnology: 4, previousAccessPoint: parseLinkAddress(accessPoint) },
  ]);
});

test('RFC 4140 §7.1.1, §10 [H4140-10-07]: the operator says what is advertised of a MAP', async () => {
  await start();
  const map = '2001:db8:a:0::1';
  await ask({ command: 'prefer', map, preference: 3 });
  await ask({ command: 'prefer', map });
  await ask({ command: 'withdraw', map });
  await ask({ command: 'restore', map });
  const address = parseAddress(map);
  assert.deepEqual(
    (await ask({ command: 'show', topic: 'heard' })).map(row => JSON.parse(String(row.command))),
    [
      { name: 'prefer', map: address, preference: 3 },
      { name: 'prefer', map: address },
      { name: 'withdraw', map: address },
      { name: 'restore', map: address },
    ],
  );
  await assert.rejects(ask({ command: 'withdraw', map: '2001:db8:b::1' }), /no MAP 2001:db8:b::1 is advertised here/);
  await assert.rejects(ask({ command: 'withdraw', map: 'x' }), /expected an IPv6 address, not 'x'/);
  await assert.rejects(ask({ command: 'prefer', map, preference: 16 }), /expected a preference from 0 to 15/);
});

test('draft-singh §4.4: the operator takes a mobile that is known to another anchor', async () => {
  await start();
  const identity = 'a@example.net';
  await ask({ command: 'attach', link: 'access0', station: '02:00:00:00:00:01', identity });
  await ask({ command: 'reanchor', identity, anchor: '2001:db8:b::1', prefix: '2001:db8:b::/64' });
  const prefix = parsePrefix('2001:db8:b::/64');
  const command = { name: 'reanchor', identity, anchor: parseAddress('2001:db8:b::1'), prefix } as const;
  assert.deepEqual(world.inputs.at(-1), { kind: 'command', command });
  await assert.rejects(
    ask({ command: 'reanchor', identity: 'b@example.net', anchor: '::1' }),
    /no 'b@example.net' here/,
  );
  await assert.rejects(ask({ command: 'reanchor', identity, anchor: 'x' }), /expected an IPv6 address, not 'x'/);
  await ask({ command: 'relocate', identity, client: '2001:db8:c::2' });
  const relocation = { name: 'relocate', identity, client: parseAddress('2001:db8:c::2') } as const;
  assert.deepEqual(world.inputs.at(-1), { kind: 'command', command: relocation });
  await assert.rejects(ask({ command: 'relocate', identity, client: 'x' }), /expected an IPv6 address, not 'x'/);
  await assert.rejects(
    ask({ command: 'reanchor', identity, anchor: '::1', prefix: '::1/64' }),
    /expected an IPv6 prefix/,
  );
});

test('daemon: after a reload the new engine hears how links are', async () => {
  await start();
  const linkAddress = parseLinkAddress('02:00:00:00:00:01');
  const link = { kind: 'link', link: 'access0', linkAddress } as const;
  world.handle({ ...link, up: true });
  world.handle({ ...link, up: false });
  configure(', rule: "2001:db8:ffff::2"');
  await ask({ command: 'reload' });
  assert.deepEqual(await ask({ command: 'show', topic: 'heard' }), [{ link: 'access0 false' }]);
});

test('daemon: the device of an access link gets the address the gateway is shown with', async () => {
  const linkAddresses = async (role: string) => {
    daemon = await Daemon.start(echoRole, configure(role), recorded);
    await daemon.stop();
    daemon = undefined;
    return world.options.links.map(link => link.linkAddress);
  };
  assert.deepEqual(await linkAddresses(''), [undefined]);
  const shown = parseLinkAddress('00:00:5e:00:52:13');
  assert.deepEqual(await linkAddresses(', anchorLinkAddress: "00:00:5e:00:52:13"'), [shown]);
});

test('daemon: a second one on the same socket is refused, the socket of a dead one is replaced', async () => {
  writeFileSync(join(directory, 'echo.sock'), '');
  await start();
  const second = Daemon.start(echoRole, configure(''), recorded);
  await assert.rejects(second, /another daemon answers here/);
  assert.deepEqual(await ask({ command: 'show', topic: 'visitors' }), []);
});

test('daemon: a reload keeps the state, applies the new configuration and takes back rules it no longer has', async () => {
  await start();
  await ask({ command: 'attach', link: 'access0', station: '02:00:00:00:00:01', identity: 'a@example.net' });
  configure(', rule: "2001:db8:ffff::2"');
  await ask({ command: 'reload' });
  assert.deepEqual(await ask({ command: 'show', topic: 'visitors' }), [{ identity: 'a@example.net' }]);
  assert.deepEqual(await ask({ command: 'show', topic: 'rules' }), [{ to: '2001:db8:ffff::2/128', via: 'drop' }]);
  assert.deepEqual(
    world.outputs.map(output => output.kind),
    ['forward', 'store', 'forward', 'unforward'],
  );
});

test('daemon: a world that fails is heard of', async () => {
  daemon = await Daemon.start(echoRole, configure(''), recorded);
  world.options.onFailure(new Error('deaf'));
  assert.equal((await daemon.failed).message, 'deaf');
});

test('daemon: a world that cannot be stopped in order keeps nothing else from stopping', async () => {
  daemon = await Daemon.start(echoRole, configure(''), recorded);
  world.stop = () => Promise.reject(new Error('stuck'));
  await assert.rejects(daemon.stop(), { message: 'stuck' });
  daemon = await Daemon.start(echoRole, configure(''), recorded);
});

test('daemon: a reload that cannot be applied whole changes nothing and says why', async () => {
  await start();
  const rules = await ask({ command: 'show', topic: 'rules' });
  const outcome = async (role: string, more = '') => {
    configure(role, more);
    return ask({ command: 'reload' }).then(
      () => assert.fail('reloaded'),
      error => (error as { problems: string[] }).problems.map(problem => problem.slice(problem.indexOf('echo.yaml'))),
    );
  };
  assert.match((await outcome(', rule: nonsense'))[0], /^echo\.yaml:1: echo\.rule: an IPv6 address/);
  assert.deepEqual(await outcome(', rule: "2001:db8:ffff::2"', '  tunnels: seg6\n'), [
    'echo.yaml:8: world.tunnels: needs a restart to change',
  ]);
  assert.deepEqual(await ask({ command: 'show', topic: 'rules' }), rules);
});

test('daemon: an access link without a device is the configuration’s fault', async () => {
  const file = join(directory, 'bare.yaml');
  writeFileSync(file, 'echo: { address: "2001:db8::1", accessLinks: [{ name: access7 }] }\nworld: { links: {} }\n');
  await assert.rejects(Daemon.start(echoRole, file), /bare\.yaml:2: world\.links: the device of link 'access7'/);
});

test('ctl: no daemon is an error that names the socket', async () => {
  await assert.rejects(ask({ command: 'reload' }), { name: 'UnreachableError', message: /echo\.sock: no such socket/ });
});
