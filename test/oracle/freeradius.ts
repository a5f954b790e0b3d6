import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Address } from '../../src/base/address.js';
import type { Engine, Output } from '../../src/protocol/contract.js';
import { radiusPort } from '../../src/wire/radius/messages.js';

const server = ['/usr/sbin/freeradius', 'freeradius', 'radiusd'].find(name => spawnSync(name, ['-v']).status === 0);

/** Why tests that ask FreeRADIUS cannot run here: the `skip` of a test. With CI=true they run, and fail. */
export const withoutFreeradius: string | false =
  process.env.CI !== 'true' && (!server || spawnSync('radclient', ['-v']).error)
    ? 'freeradius and radclient are not installed (Debian: freeradius, freeradius-utils)'
    : false;

/** A FreeRADIUS of the test's own on the loopback, which answers as `users` says. */
export class Freeradius {
  readonly port: number;
  readonly #folder: string;
  readonly #process: ChildProcess;

  private constructor(port: number, folder: string, process: ChildProcess) {
    this.port = port;
    this.#folder = folder;
    this.#process = process;
  }

  static async start(secret: string, users: string): Promise<Freeradius> {
    if (!server) throw new Error('needs freeradius (Debian: freeradius, freeradius-utils)');
    const folder = mkdtempSync(join(tmpdir(), 'anchorage-freeradius-'));
    const port = await freePort();
    writeFileSync(join(folder, 'radiusd.conf'), configuration(folder, port, secret));
    writeFileSync(join(folder, 'users'), users);
    const process = spawn(server, ['-f', '-x', '-d', folder, '-l', 'stdout'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const started = new Freeradius(port, folder, process);
    let said = '';
    for await (const chunk of process.stdout) {
      said += chunk;
      if (said.includes('Ready to process requests')) {
        process.stdout.resume();
        return started;
      }
    }
    await started.stop();
    throw new Error(`freeradius did not start:\n${said}`);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.kill()) await once(this.#process, 'exit');
    rmSync(this.#folder, { recursive: true });
  }
}

/** What radclient prints of the answer to a request of those attributes, or of its waiting in vain. */
export async function radclient(port: number, secret: string, attributes: string, waitS = 20): Promise<string> {
  const process = spawn('radclient', ['-x', '-t', `${waitS}`, '-r', '1', `[::1]:${port}`, 'auth', secret], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  process.stdin.end(attributes);
  let said = '';
  for await (const chunk of process.stdout) said += chunk;
  for await (const chunk of process.stderr) said += chunk;
  return said;
}

/** An engine that has a socket of the loopback for a network: whoever sends there is `peer` to it. */
export class OnLoopback {
  readonly port: number;
  readonly #socket: Socket;
  readonly #engine: Engine;
  readonly #own: Address;
  readonly #peer: Address;
  #heard: () => void = () => {};

  private constructor(socket: Socket, engine: Engine, own: Address, peer: Address) {
    this.port = socket.address().port;
    this.#socket = socket;
    this.#engine = engine;
    this.#own = own;
    this.#peer = peer;
  }

  static async open(engine: Engine, own: Address, peer: Address): Promise<OnLoopback> {
    const socket = createSocket('udp6');
    socket.bind(0, '::1');
    await once(socket, 'listening');
    const opened = new OnLoopback(socket, engine, own, peer);
    const [ownPort] = engine.interests.udpPorts;
    socket.on('message', (data, { port }) => {
      // To a server everybody has a port of its own, to a client there is only the server.
      const sourcePort = ownPort === radiusPort ? port : radiusPort;
      const payload = { kind: 'udp', sourcePort, destinationPort: ownPort, data: Uint8Array.from(data) } as const;
      const packet = { source: peer, destination: own, hopLimit: 64, payload };
      opened.perform(engine.handle({ kind: 'packet', packet }, 0), port);
      opened.#heard();
    });
    return opened;
  }

  /** Sends what goes to the peer, to that port of the loopback. */
  perform(outputs: readonly Output[], port: number): void {
    for (const output of outputs)
      if (output.kind === 'send' && output.packet.payload.kind === 'udp' && output.packet.destination === this.#peer)
        this.#socket.send(output.packet.payload.data, port, '::1');
  }

  /** Gives the engine an input, and waits until something has come after what it sends. */
  async ask(input: Parameters<Engine['handle']>[0], port: number): Promise<void> {
    const heard = new Promise<void>(resolve => {
      this.#heard = resolve;
    });
    this.perform(this.#engine.handle(input, 0), port);
    await heard;
  }

  get address(): Address {
    return this.#own;
  }

  close(): void {
    this.#socket.close();
  }
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp6');
  socket.bind(0, '::1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

/** No answers without a Message-Authenticator in the question, and none kept back. */
function configuration(folder: string, port: number, secret: string): string {
  return `
prefix = /usr
confdir = ${folder}
libdir = /usr/lib/freeradius
logdir = ${folder}
run_dir = ${folder}
pidfile = ${folder}/pid
security {
  reject_delay = 0
  status_server = no
}
client loopback {
  ipv6addr = ::1
  secret = "${secret}"
  require_message_authenticator = yes
}
modules {
  files {
    filename = ${folder}/users
  }
}
server default {
  listen {
    type = auth
    ipv6addr = ::1
    port = ${port}
  }
  authorize {
    files
  }
}
`;
}
