import { z } from 'zod';
import { formatAddress, formatIpv4 } from '../base/address.js';
import { formatLinkAddress } from '../base/link-address.js';
import { formatPrefix } from '../base/prefix.js';
import * as c from '../protocol/config.js';
import { continentSchema } from './continent-schema.js';
import type { Parameters } from './expression.js';
import { greatest, type NumberSchemas, numbers } from './numbers.js';

/** The form of a scenario file once its parameters have values: every number may be an expression of them. `generated`: it has a continent. */
export function scenarioSchema(parameters: Parameters, generated = false) {
  const number = numbers(parameters);
  const nodes = z.record(z.string(), nodeSchema(number), { error: c.expecting('names with nodes') });
  const links = z.array(linkSchema(number));
  return z.strictObject({
    name: c.name.optional(),
    title: c.name.optional(),
    description: c.name.optional(),
    seed: number({ most: Number.MAX_SAFE_INTEGER, integer: true }).default(1),
    durationMs: number({ positive: true }),
    protection: c.choice(['rfc4285', 'esp', 'insecure']).default('rfc4285'),
    /** Read before the rest, which needs them. */
    parameters: z.unknown().optional(),
    nodes: generated ? nodes.default({}) : nodes,
    links: generated ? links.default([]) : links,
    /** Nodes with a scheme of their own, whatever the others have. */
    domains: z.record(z.string(), domain, { error: c.expecting('names with domains') }).default({}),
    /** Nodes, links, movement and traffic beside those written out. */
    continent: continentSchema(number).optional(),
    movement: z.array(moveSchema(number)).default([]),
    traffic: z.array(trafficSchema(number)).default([]),
    faults: z.array(faultSchema(number)).default([]),
  });
}
export type ScenarioFile = z.output<ReturnType<typeof scenarioSchema>>;
export type NodeEntry = ScenarioFile['nodes'][string];
export type LinkEntry = ScenarioFile['links'][number];

const domain = z.strictObject({ scheme: c.name, nodes: z.array(c.name) });

function nodeSchema(number: NumberSchemas) {
  const address = c.unicastAddress.transform(formatAddress).optional();
  const ipv4Address = c.ipv4Address.transform(formatIpv4).optional();
  const addresses = { address, ipv4Address };
  const prefix = c.prefix.transform(formatPrefix).optional();
  return z.discriminatedUnion('role', [
    z.strictObject({ role: z.literal('router'), ...addresses }),
    z.strictObject({ role: z.literal('correspondent'), ...addresses }),
    z.strictObject({ role: z.literal('dhcp-server'), ...addresses }),
    z.strictObject({ role: z.literal('pmip-client'), ...addresses }),
    z.strictObject({ role: z.literal('anchor'), ...addresses, prefix }),
    z.strictObject({ role: z.literal('home-agent'), ...addresses, prefix }),
    z.strictObject({
      role: z.literal('access'),
      ...addresses,
      prefix,
      advertisementMinMs: number({ least: 1 }).default(200_000),
      advertisementMaxMs: number({ least: 1 }).default(600_000),
      advertisementAnswerMs: number({}).optional(),
    }),
    z.strictObject({
      role: z.literal('mobile'),
      identity: c.identity.optional(),
      linkAddress: c.linkAddress.transform(formatLinkAddress).optional(),
      addressing: c.choice(['slaac', 'dhcpv6', 'manual']).default('slaac'),
      duplicateAddressDetection: number({ most: 1, integer: true }).default(1),
      optimistic: number({ most: 1, integer: true }).default(0),
    }),
  ]);
}

function linkSchema(number: NumberSchemas) {
  const probability = number({ most: 1 }).default(0);
  return z.strictObject({
    name: c.name.optional(),
    /** A wire: two nodes. */
    between: z.array(c.name).optional(),
    /** The radio below an access router. */
    access: c.name.optional(),
    /** 4 or 6: a wire that carries IPv4 or IPv6 alone; 0: both. */
    family: number({ most: 6, integer: true }).default(0),
    delayMs: number({}),
    rateMbps: number({ least: 0.001 }).optional(),
    queueOctets: number({ positive: true }).optional(),
    loss: probability,
    duplication: probability,
    reordering: probability,
    reorderDelayMs: number({}).default(1),
    mtu: number({ least: 1280, most: 65535, integer: true }).default(1500),
  });
}

function moveSchema(number: NumberSchemas) {
  return z.strictObject({
    mobile: c.name,
    atMs: number({}),
    /** An access router, an access link or `away`. */
    to: c.name,
    l2GapMs: number({}).default(0),
    /** How long before the link layer knows; 0: it does not. */
    predictedMs: number({}).default(0),
    predictedBy: c.choice(['mobile', 'network']).default('mobile'),
  });
}

function trafficSchema(number: NumberSchemas) {
  const flow = {
    name: c.name.optional(),
    from: c.name,
    to: c.name,
    startMs: number({}).default(0),
    stopMs: number({}).optional(),
  };
  const packets = {
    intervalMs: number({ least: 0.001 }),
    payloadOctets: number({ least: 16, most: 65000, integer: true }).default(160),
  };
  return z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('cbr'), ...flow, ...packets }),
    z.strictObject({ kind: z.literal('ping'), ...flow, ...packets }),
    z.strictObject({ kind: z.literal('tcp'), ...flow, octets: number({ positive: true, integer: true }).optional() }),
  ]);
}

function faultSchema(number: NumberSchemas) {
  const span = { link: c.name, fromMs: number({}), untilMs: number({}) };
  return z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('loss'), ...span, probability: number({ most: 1 }) }),
    z.strictObject({ kind: z.literal('partition'), ...span }),
    z.strictObject({
      kind: z.literal('crash'),
      node: c.name,
      atMs: number({}),
      restartMs: number({}).optional(),
      stateLost: c.flag.default(false),
    }),
    z.strictObject({
      kind: z.literal('clockSkew'),
      node: c.name,
      atMs: number({}).default(0),
      skewMs: number({ least: -greatest }),
    }),
  ]);
}
