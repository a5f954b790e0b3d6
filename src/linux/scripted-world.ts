import type { Address } from '../base/address.js';
import type { Instant } from '../base/time.js';
import type { Engine, Input, Output } from '../protocol/contract.js';
import type { SctpTransport } from '../protocol/sctp/settings.js';
import { withSctp } from '../protocol/sctp/with-sctp.js';
import { hostEnvironment } from './clock.js';
import { type LinkBinding, LinuxWorld, type WorldOptions, type WorldStatistics } from './world.js';

/** The program of a process that runs a world whose engine only says what its parent tells it: for tests. */

export interface ScriptedRole {
  readonly address: Address;
  readonly tunnels: WorldOptions['tunnels'];
  readonly ipv4Address?: Address;
  readonly ipv4Tunnels?: WorldOptions['ipv4Tunnels'];
  readonly links: readonly LinkBinding[];
  readonly accessLinks: readonly string[];
  readonly guardedLinks?: readonly string[];
  /** Where the node is a host. */
  readonly hostLinks?: readonly string[];
  /** Next Header numbers the engine hears of beside the Mobility Header. */
  readonly protocols?: readonly number[];
  readonly nestedUpdates?: boolean;
  /** Whose SCTP carries the messages of both services; without it there is none. */
  readonly sctp?: SctpTransport;
  /** What the engine says when it hears of the store. */
  readonly restored: readonly Output[];
  /** Of the engine, for ever. */
  readonly deadline?: Instant;
}
export type ToWorld =
  | { readonly kind: 'perform'; readonly outputs: readonly Output[] }
  | { readonly kind: 'statistics' }
  | { readonly kind: 'stop' };
export type FromWorld =
  | { readonly kind: 'input'; readonly input: Input }
  | { readonly kind: 'statistics'; readonly statistics: WorldStatistics }
  | { readonly kind: 'performed' }
  | { readonly kind: 'failed' };

function tell(message: FromWorld): void {
  process.send?.(message);
}

const untold: readonly Input['kind'][] = ['tick', 'command', 'restored'];

function scriptedEngine(role: ScriptedRole): Engine & { next: readonly Output[] } {
  return {
    interests: {
      protocols: [135, ...(role.protocols ?? [])],
      accessLinks: role.accessLinks,
      udpPorts: [547],
      ...(role.guardedLinks && { guardedLinks: role.guardedLinks }),
      nestedUpdates: role.nestedUpdates ?? false,
      ...(role.hostLinks && { hostLinks: role.hostLinks }),
      ...(role.sctp && { services: ['pmip', 'cxtp'] }),
    },
    deadline: role.deadline,
    views: {},
    counters: {},
    next: role.restored,
    handle(input) {
      const outputs = [...this.next];
      this.next = [];
      if (!untold.includes(input.kind)) tell({ kind: 'input', input });
      return outputs;
    },
  };
}

async function run(role: ScriptedRole): Promise<void> {
  const engine = scriptedEngine(role);
  const say = (fields: object, message: string) => console.log(message, fields);
  const { sctp: transport, address } = role;
  const carried = transport ? withSctp(engine, { address, transport }, hostEnvironment()) : engine;
  const world = new LinuxWorld(carried, {
    address: role.address,
    links: role.links,
    tunnels: role.tunnels,
    ...(role.ipv4Address !== undefined && { ipv4Address: role.ipv4Address }),
    ...(role.ipv4Tunnels && { ipv4Tunnels: role.ipv4Tunnels }),
    store: { records: () => [], put() {}, remove() {} },
    log: { debug() {}, info: say, warn: say, error: say },
    onTrace() {},
    onFailure: () => tell({ kind: 'failed' }),
  });
  await world.start();
  tell({ kind: 'performed' });
  process.on('message', async (message: ToWorld) => {
    if (message.kind === 'statistics') tell({ kind: 'statistics', statistics: world.statistics });
    else if (message.kind === 'perform') {
      engine.next = message.outputs;
      world.command({ name: 'release', identity: 'script' });
      tell({ kind: 'performed' });
    } else {
      await world.stop();
      process.disconnect();
    }
  });
}

process.once('message', run);
