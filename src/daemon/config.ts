import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigError } from '../base/errors.js';
import type { LinkAddress } from '../base/link-address.js';
import { choice, linkAddress, parsed } from '../protocol/config.js';
import type { ConfigProblem, Role } from '../protocol/scheme.js';
import { readYaml, type YamlDocument } from '../scenario/document.js';

/** A role's file: the section named for the role, as `Role.parse` takes it, and `world`. */
export interface DaemonConfig {
  readonly file: string;
  /** What `Role.parse` made of the role's section. */
  readonly role: unknown;
  readonly world: WorldConfig;
  /** The file's data as written, for comparing two readings. */
  readonly written: Readonly<Record<string, unknown>>;
  /** A problem at a path of the file. */
  problem(path: ConfigProblem['path'], expected: string): ConfigError;
}

export type DaemonConfigResult =
  | { readonly ok: true; readonly config: DaemonConfig }
  | { readonly ok: false; readonly problems: readonly ConfigError[] };

/** Where a role meets this machine. */
export interface WorldConfig {
  /** Kernel devices by the names the role gives its links. */
  readonly links: Readonly<Record<string, { readonly device: string; readonly linkAddress?: LinkAddress | undefined }>>;
  readonly stateDirectory: string;
  readonly controlSocket: string;
  /** Undefined: no metrics. */
  readonly metrics: Listen | undefined;
  readonly log: { readonly level: (typeof logLevels)[number]; readonly format: 'text' | 'json' };
  readonly tunnels: 'auto' | 'seg6' | 'ip6tnl';
  readonly ipv4Tunnels: 'auto' | 'sit' | 'userSpace';
}

export interface Listen {
  readonly host: string;
  readonly port: number;
}

/** Reads and checks the file. Reports every problem with its line; throws nothing for what the file holds. */
export function readDaemonConfig(file: string, role: Role): DaemonConfigResult {
  const text = readText(file);
  if (text instanceof ConfigError) return { ok: false, problems: [text] };
  const document = readYaml(text, file);
  if (document.problems.length > 0) return { ok: false, problems: document.problems };
  if (!isSection(document.value))
    return { ok: false, problems: [document.problem([], `sections '${role.name}' and 'world'`)] };
  return check(document, document.value, role);
}

function check(document: YamlDocument, written: Record<string, unknown>, role: Role): DaemonConfigResult {
  const problems = Object.keys(written)
    .filter(key => key !== role.name && key !== 'world')
    .map(key => document.problem([key], `no such section here; sections are ${role.name}, world`));
  const report = (section: string, found: readonly ConfigProblem[]) =>
    problems.push(...found.map(({ path, expected }) => document.problem([section, ...path], expected)));
  const roleConfig = role.parse(written[role.name] ?? {});
  if (!roleConfig.ok) report(role.name, roleConfig.problems);
  const world = parsed(worldSchema(role.name), written.world ?? {});
  if (!world.ok) report('world', world.problems);
  if (problems.length > 0 || !roleConfig.ok || !world.ok) return { ok: false, problems: inOrder(problems) };
  return {
    ok: true,
    config: {
      file: document.file,
      role: roleConfig.config,
      world: world.config,
      written,
      problem: (path, expected) => document.problem(path, expected),
    },
  };
}

const logLevels = ['debug', 'info', 'warn', 'error'] as const;

function worldSchema(role: string) {
  return z.strictObject({
    links: z.record(z.string(), z.strictObject({ device, linkAddress: linkAddress.optional() })).default({}),
    stateDirectory: absolutePath.default('/var/lib/anchorage'),
    controlSocket: absolutePath.default(defaultControlSocket(role)),
    metrics: z.union([z.literal(false).transform(() => undefined), listen]).prefault('[::1]:9464'),
    log: z
      .strictObject({ level: choice(logLevels).default('info'), format: choice(['text', 'json']).default('text') })
      .prefault({}),
    tunnels: choice(['auto', 'seg6', 'ip6tnl']).default('auto'),
    ipv4Tunnels: choice(['auto', 'sit', 'userSpace']).default('auto'),
  });
}

export function defaultControlSocket(role: string): string {
  return `/run/anchorage/${role}.sock`;
}

const device = z
  .string({ error: 'the name of a network device such as eth0' })
  .regex(/^[^\s/:]{1,15}$/, { error: 'the name of a network device: 1 to 15 characters without space, / and :' });
const absolutePath = z
  .string({ error: 'an absolute path' })
  .regex(/^\/[^\0]*$/, { error: 'an absolute path such as /run/anchorage' });
const listenForm = "an address and a port such as '[::1]:9464', or false";
const listen = z.string({ error: listenForm }).transform((text, context): Listen => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text);
  if (match && Number(match[3]) < 65_536) return { host: match[1] ?? match[2], port: Number(match[3]) };
  context.addIssue({ code: 'custom', message: `${listenForm}, not '${text}'` });
  return z.NEVER;
});

function readText(file: string): string | ConfigError {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    return new ConfigError({ file, path: '' }, `a readable file: ${(error as Error).message}`);
  }
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function inOrder(problems: ConfigError[]): ConfigError[] {
  return problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
}
