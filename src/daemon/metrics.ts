import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { Counter, Gauge, Registry } from 'prom-client';
import type { WorldStatistics } from '../linux/world.js';
import type { Engine } from '../protocol/contract.js';
import type { Listen } from './config.js';

/** What is measured, looked up at each scrape: a reload may put another engine in. */
export interface Measured {
  readonly engine: Engine;
  readonly statistics: WorldStatistics;
}

/** All numbers of a role in Prometheus' text format. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #measured: () => Measured;
  readonly #counters = new Map<string, Counter<string>>();
  readonly #rows: Gauge<'view'>;
  readonly #rules: Gauge;
  readonly #memory: Gauge;

  constructor(role: string, measured: () => Measured) {
    this.#measured = measured;
    this.#registry.setDefaultLabels({ role });
    const registers = [this.#registry];
    this.#rows = new Gauge({ name: 'anchorage_rows', help: 'Entries of a view', labelNames: ['view'], registers });
    this.#rules = new Gauge({ name: 'anchorage_kernel_rules', help: 'Forwarding rules in the kernel', registers });
    this.#memory = new Gauge({ name: 'process_resident_memory_bytes', help: 'Resident memory', registers });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    const { engine, statistics } = this.#measured();
    for (const [name, value] of Object.entries(engine.counters)) this.#count(`anchorage_${snake(name)}_total`, value);
    for (const [view, rows] of Object.entries(engine.views)) this.#rows.set({ view }, length(rows()));
    const { rules, ...counts } = statistics;
    this.#rules.set(rules);
    this.#memory.set(process.memoryUsage.rss());
    this.#count('process_cpu_seconds_total', cpuSeconds());
    for (const [name, value] of Object.entries(counts))
      if (typeof value === 'number') this.#count(`anchorage_${snake(name)}_total`, value);
      else this.#countEach(`anchorage_${snake(name)}_total`, value);
    return this.#registry.metrics();
  }

  #countEach(name: string, values: Readonly<Record<string, number>>): void {
    const counter = this.#counter(name, ['reason']);
    counter.reset();
    for (const [key, value] of Object.entries(values)) counter.inc({ reason: key }, value);
  }

  #count(name: string, value: number): void {
    const counter = this.#counter(name);
    counter.reset();
    counter.inc(value);
  }

  #counter(name: string, labelNames: string[] = []): Counter<string> {
    let counter = this.#counters.get(name);
    if (counter === undefined) {
      counter = new Counter({ name, help: help(name), labelNames, registers: [this.#registry] });
      this.#counters.set(name, counter);
    }
    return counter;
  }
}

/** Answers `GET /metrics`. Throws the socket's error where the address is taken. */
export async function serveMetrics(metrics: Metrics, listen: Listen): Promise<Server> {
  const server = createServer(async (request, response) => {
    if (request.url !== '/metrics') return void response.writeHead(404).end('only /metrics is here\n');
    if (request.method !== 'GET') return void response.writeHead(405, { allow: 'GET' }).end();
    response.writeHead(200, { 'content-type': metrics.contentType }).end(await metrics.text());
  });
  server.listen(listen.port, listen.host);
  await once(server, 'listening');
  return server;
}

/** prom-client's own set of process metrics would wake an idle daemon a hundred times a second. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function help(name: string): string {
  return name.replace(/^anchorage_|_total$/g, '').replaceAll('_', ' ');
}

/** `bindingsCreated`, `pbu.accepted` → `bindings_created`, `pbu_accepted`. */
function snake(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
}

function length(rows: Iterable<unknown>): number {
  let n = 0;
  for (const _ of rows) n++;
  return n;
}
