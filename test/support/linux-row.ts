import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseAddress } from '../../src/base/address.js';
import { parseLinkAddress } from '../../src/base/link-address.js';
import { hostPrefix } from '../../src/base/prefix.js';
import type { Namespaces } from '../../src/linux/namespaces.js';
import type { FromWorld, ScriptedRole, ToWorld } from '../../src/linux/scripted-world.js';
import { until } from '../../src/linux/testing.js';
import type { WorldStatistics } from '../../src/linux/world.js';
import type { Input, Output } from '../../src/protocol/contract.js';

/**
 * A correspondent, an anchor, a gateway and a mobile in a row, each a namespace. The anchor and the gateway run a world
 * whose engine says what the test tells it.
 */
export const anchor = parseAddress('2001:db8:b::1');
export const gateway = parseAddress('2001:db8:b::2');
export const mobile = parseAddress('2001:db8:a::5');
export const correspondent = parseAddress('2001:db8:c::2');
export const mobileLink = parseLinkAddress('02:00:00:00:00:05');
export const virtualLink = parseLinkAddress('02:00:00:00:aa:01');
export const home = hostPrefix(mobile);

export const anchorRules: Output[] = [
  { kind: 'forward', rule: { to: home, via: { kind: 'tunnel', local: anchor, remote: gateway } } },
  { kind: 'admit', end: { local: anchor, remote: gateway, from: home } },
];
export const gatewayRules: Output[] = [
  { kind: 'forward', rule: { to: home, via: { kind: 'link', link: 'radio', neighbour: mobileLink } } },
  { kind: 'forward', rule: { from: home, via: { kind: 'tunnel', local: gateway, remote: anchor } } },
  { kind: 'admit', end: { local: gateway, remote: anchor, to: home } },
];

/** A world in a process of its own. */
export class Role {
  readonly inputs: Input[] = [];
  readonly #child: ChildProcess;
  readonly #answers: WorldStatistics[] = [];
  #performed = 0;
  #asked = 0;
  words = '';
  /** How often the world said that it cannot go on. */
  failures = 0;

  /** Starts one in the place of this one, with other first words. */
  readonly again: (restored: readonly Output[], change?: Partial<ScriptedRole>) => Promise<Role>;

  private constructor(child: ChildProcess, again: Role['again']) {
    this.#child = child;
    this.again = again;
    child.on('message', (message: FromWorld) => {
      if (message.kind === 'input') this.inputs.push(message.input);
      else if (message.kind === 'statistics') this.#answers.push(message.statistics);
      else if (message.kind === 'performed') this.#performed++;
      else if (message.kind === 'failed') this.failures++;
    });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', text => (this.words += text));
  }

  static async start(namespaces: Namespaces, namespace: string, role: ScriptedRole): Promise<Role> {
    const script = fileURLToPath(new URL('../../src/linux/scripted-world.js', import.meta.url));
    const options = { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], serialization: 'advanced' } as const;
    const child = namespaces.spawn(namespace, process.execPath, ['--enable-source-maps', script], {
      ...options,
      stdio: [...options.stdio],
    });
    const started = new Role(child, (restored, change) =>
      Role.start(namespaces, namespace, { ...role, ...change, restored }),
    );
    child.send(role);
    await until(`the world in ${namespace} (${started.words})`, () => {
      if (child.exitCode !== null) throw new Error(started.words);
      return started.#performed > 0;
    });
    // Without a link-local address that is no longer tentative a router asks for no neighbour.
    const tentative = ['ip', '-6', '-o', 'addr', 'show', 'tentative'] as const;
    await until(`addresses in ${namespace}`, () => namespaces.run(namespace, ...tentative) === '');
    return started;
  }

  async perform(...outputs: Output[]): Promise<void> {
    const before = this.#performed;
    this.#tell({ kind: 'perform', outputs });
    await until('the outputs', () => this.#performed > before);
  }

  async statistics(): Promise<WorldStatistics> {
    this.#tell({ kind: 'statistics' });
    const wanted = ++this.#asked;
    return until('statistics', () => this.#answers[wanted - 1]);
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#tell({ kind: 'stop' });
    const [code] = await exited;
    assert.equal(code, 0, this.words);
  }

  async kill(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  #tell(message: ToWorld): void {
    this.#child.send(message);
  }
}

export function buildRow(namespaces: Namespaces): void {
  for (const name of ['correspondent', 'anchor', 'gateway', 'mobile']) namespaces.add(name);
  namespaces.connect({ namespace: 'correspondent', device: 'wire' }, { namespace: 'anchor', device: 'outside' });
  namespaces.connect({ namespace: 'anchor', device: 'core' }, { namespace: 'gateway', device: 'core' });
  namespaces.connect(
    { namespace: 'gateway', device: 'radio' },
    { namespace: 'mobile', device: 'radio', linkAddress: '02:00:00:00:00:05' },
  );
  namespaces.configure('correspondent', [
    'addr add 2001:db8:c::2/64 dev wire nodad',
    'route add default via 2001:db8:c::1',
  ]);
  namespaces.configure('anchor', [
    'addr add 2001:db8:c::1/64 dev outside nodad',
    'addr add 2001:db8:b::1/64 dev core nodad',
  ]);
  namespaces.configure('gateway', ['addr add 2001:db8:b::2/64 dev core nodad', 'route add default via 2001:db8:b::1']);
  namespaces.configure('mobile', [
    'addr add 2001:db8:a::5/128 dev radio nodad',
    'neigh add fe80::1 lladdr 02:00:00:00:aa:01 dev radio nud permanent',
    'route add default via fe80::1 dev radio',
  ]);
}

const tunnels = (process.env.ANCHORAGE_TEST_TUNNELS ?? 'auto') as ScriptedRole['tunnels'];
const radio = { name: 'radio', device: 'radio', linkAddress: virtualLink };
export const anchorRole: ScriptedRole = {
  address: anchor,
  tunnels,
  links: [],
  accessLinks: [],
  restored: anchorRules,
};
export const gatewayRole: ScriptedRole = {
  address: gateway,
  tunnels,
  links: [radio],
  accessLinks: ['radio'],
  restored: gatewayRules,
};

export interface BothWorlds {
  readonly anchorWorld: Role;
  readonly gatewayWorld: Role;
}

export async function startWorlds(namespaces: Namespaces, change: Partial<ScriptedRole> = {}): Promise<BothWorlds> {
  const [anchorWorld, gatewayWorld] = await Promise.all([
    Role.start(namespaces, 'anchor', { ...anchorRole, ...change }),
    Role.start(namespaces, 'gateway', { ...gatewayRole, ...change }),
  ]);
  return { anchorWorld, gatewayWorld };
}

export async function kill({ anchorWorld, gatewayWorld }: BothWorlds): Promise<void> {
  await Promise.all([anchorWorld.kill(), gatewayWorld.kill()]);
}

export function startBoth(namespaces: Namespaces): Promise<BothWorlds> {
  buildRow(namespaces);
  return startWorlds(namespaces);
}

/** Echo replies to `count` requests. */
export function ping(namespaces: Namespaces, from: string, to: string, count = 3, ...options: string[]): number {
  const report = namespaces.run(from, 'sh', '-c', `ping -c ${count} -i 0.02 -W 1 ${options.join(' ')} ${to} || true`);
  return Number(/(\d+) received/.exec(report)?.[1]);
}

export function pingBothWays(namespaces: Namespaces): void {
  assert.equal(ping(namespaces, 'correspondent', '2001:db8:a::5'), 3);
  assert.equal(ping(namespaces, 'mobile', '2001:db8:c::2'), 3);
}

export function installed(namespaces: Namespaces, namespace: string): string {
  const show = (...words: string[]) => namespaces.run(namespace, 'ip', '-6', ...words);
  return [
    show('route', 'show', 'table', 'all'),
    show('rule'),
    show('link'),
    show('neigh', 'show', 'nud', 'permanent'),
  ].join('');
}
