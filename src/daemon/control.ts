import { once } from 'node:events';
import { mkdirSync, unlinkSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Row } from '../protocol/contract.js';

/** What may be asked over the control socket: one JSON object a line. */
export type ControlRequest =
  | { readonly command: 'show'; readonly topic: string }
  | { readonly command: 'release'; readonly identity: string }
  /** What is advertised of a MAP (RFC 4140 §7.1.1, §10). Without a preference: the configured one again. */
  | { readonly command: 'prefer'; readonly map: string; readonly preference?: number }
  | { readonly command: 'withdraw' | 'restore'; readonly map: string }
  /** The mobile gets another anchor, whose prefix is given where the gateway does not know it (draft-singh §4.4). */
  | { readonly command: 'reanchor'; readonly identity: string; readonly anchor: string; readonly prefix?: string }
  | { readonly command: 'relocate'; readonly identity: string; readonly client: string }
  | { readonly command: 'reload' }
  | {
      readonly command: 'attach';
      readonly link: string;
      /** Text, as everywhere on this socket. */
      readonly station: string;
      readonly identity?: string;
      readonly accessTechnology?: number;
      /** Which it says it comes from. */
      readonly previousAccessPoint?: string;
    }
  | { readonly command: 'detach'; readonly link: string; readonly station: string }
  /** A handoff to that access point is near: of this node, or of that station of a router (RFC 5568 §3, RFC 4067 §3). */
  | { readonly command: 'expect'; readonly link: string; readonly accessPoint: string; readonly station?: string };

/** The answer: any number of row lines, then exactly one line with `ok`. */
export type ControlAnswer =
  | { readonly row: Row }
  | { readonly ok: true }
  | { readonly ok: false; readonly error: string; readonly problems?: readonly string[] };

/** Does what is asked. Rows are yielded; an Error thrown becomes the refusal. */
export type ControlHandler = (request: ControlRequest) => AsyncIterable<Row> | Iterable<Row>;

/** An Error whose parts an operator reads line by line. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  constructor(
    message: string,
    readonly problems: readonly string[] = [],
  ) {
    super(message);
  }
}

/** The daemon's end, readable by its own user alone. */
export class ControlServer {
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  readonly #path: string;

  private constructor(path: string, handler: ControlHandler) {
    this.#path = path;
    this.#server = createServer(socket => {
      this.#connections.add(socket);
      socket.on('close', () => this.#connections.delete(socket));
      socket.on('error', () => socket.destroy());
      void serve(socket, handler);
    });
  }

  /** Throws Refusal where another daemon answers on `path`; a socket nobody answers on is replaced. */
  static async listen(path: string, handler: ControlHandler): Promise<ControlServer> {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    if (await answers(path)) throw new Refusal(`${path}: another daemon answers here`);
    unlinkQuietly(path);
    const control = new ControlServer(path, handler);
    const mask = process.umask(0o177);
    control.#server.listen(path);
    process.umask(mask);
    await once(control.#server, 'listening');
    return control;
  }

  async close(): Promise<void> {
    for (const socket of this.#connections) socket.destroy();
    await new Promise(resolve => this.#server.close(resolve));
    unlinkQuietly(this.#path);
  }
}

async function serve(socket: Socket, handler: ControlHandler): Promise<void> {
  try {
    for await (const line of createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY }))
      if (line.trim() !== '') await answer(socket, line, handler);
  } catch {
    socket.destroy();
  }
}

async function answer(socket: Socket, line: string, handler: ControlHandler): Promise<void> {
  const say = async (what: ControlAnswer) => {
    if (!socket.write(`${JSON.stringify(what)}\n`)) await once(socket, 'drain');
  };
  try {
    for await (const row of handler(JSON.parse(line) as ControlRequest)) await say({ row });
    await say({ ok: true });
  } catch (error) {
    if (socket.destroyed) return;
    const problems = error instanceof Refusal && error.problems.length > 0 ? error.problems : undefined;
    await say({ ok: false, error: (error as Error).message, ...(problems && { problems }) });
  }
}

/** An operator's end: questions are answered in the order asked. */
export class ControlClient {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
  }

  /** Throws the socket's error (`ENOENT`, `ECONNREFUSED`, `EACCES`) where no daemon answers. */
  static async connect(path: string): Promise<ControlClient> {
    const socket = createConnection(path);
    await once(socket, 'connect');
    socket.on('error', () => socket.destroy());
    return new ControlClient(socket);
  }

  /** The rows of the answer. Throws Refusal where the daemon says no or goes away. */
  ask(request: ControlRequest): Promise<Row[]> {
    const answer = this.#queue.then(() => this.#exchange(request));
    this.#queue = answer.catch(() => undefined);
    return answer;
  }

  close(): void {
    this.#socket.destroy();
  }

  async #exchange(request: ControlRequest): Promise<Row[]> {
    this.#socket.write(`${JSON.stringify(request)}\n`);
    const rows: Row[] = [];
    for (;;) {
      const line = await this.#lines.next();
      if (line.done) throw new Refusal('the daemon closed the connection');
      const answer = JSON.parse(line.value) as ControlAnswer;
      if ('row' in answer) rows.push(answer.row);
      else if (answer.ok) return rows;
      else throw new Refusal(answer.error, answer.problems);
    }
  }
}

async function answers(path: string): Promise<boolean> {
  const socket = createConnection(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
