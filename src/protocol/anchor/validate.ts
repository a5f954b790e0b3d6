import { isRoutableUnicast } from '../../base/address.js';
import { bindingStatus as status } from '../../wire/mobility/status.js';
import { homeOf, isDeregistration, type Update } from './update.js';

/** What a test says of a Binding Update it does not let pass. */
export type Verdict =
  /** Answered with that status; `sequence` where the answer carries another than the update's. */
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string; readonly sequence?: number }
  /** Dropped without an answer; `reason` names a counter. */
  | { readonly kind: 'discarded'; readonly reason: string };

/** One rule of a document, about a Binding Update and what the anchor knows. */
export interface Test<Request> {
  readonly name: string;
  /** Where the rule stands. */
  readonly section: string;
  /** What is to happen to a Binding Update that fails; undefined: it passes. */
  fails(request: Request): Verdict | undefined;
}

/** The tests in their document's order; the first that fails decides. A dialect is a list of tests. */
export function validate<Request>(tests: readonly Test<Request>[], request: Request): Verdict | undefined {
  for (const test of tests) {
    const verdict = test.fails(request);
    if (verdict) return verdict;
  }
  return undefined;
}

/** `tests` with those that a document words differently put in the place of their namesakes. */
export function overriding<Request>(
  tests: readonly Test<Request>[],
  others: readonly Test<Request>[],
): readonly Test<Request>[] {
  const byName = new Map(others.map(test => [test.name, test]));
  const result = tests.map(test => byName.get(test.name) ?? test);
  for (const other of others)
    if (!result.includes(other)) throw new RangeError(`no test named '${other.name}' to override`);
  return result;
}

/** `tests` with `test` before the one of that name. */
export function before<Request>(
  tests: readonly Test<Request>[],
  name: string,
  test: Test<Request>,
): readonly Test<Request>[] {
  const at = tests.findIndex(other => other.name === name);
  if (at < 0) throw new RangeError(`no test named '${name}'`);
  return [...tests.slice(0, at), test, ...tests.slice(at)];
}

export function refused(code: number, reason: string, sequence?: number): Verdict {
  return sequence === undefined
    ? { kind: 'refused', status: code, reason }
    : { kind: 'refused', status: code, reason, sequence };
}

export function discarded(reason: string): Verdict {
  return { kind: 'discarded', reason };
}

/** What RFC 6275's tests need to know. */
export interface HomeRequest {
  readonly update: Update;
  /** What the cache holds for the home address. */
  readonly existing: { readonly sequence: number; readonly homeRegistration: boolean } | undefined;
  /** Whether the node is configured as a home agent. */
  readonly homeAgent: boolean;
  /** Whether the home address lies in the home agent's Prefix List. */
  readonly onLink: boolean;
  /** Whether return routability authorizes a registration with a correspondent (RFC 6275 §9.5.1). */
  readonly returnRoutable: boolean;
  readonly room: boolean;
  /** Whether the home agent can keep the address unique: Duplicate Address Detection found nobody else. */
  readonly unique: boolean;
}

export const careOfAddress: Test<{ readonly update: Update }> = {
  name: 'care-of address',
  section: 'RFC 6275 §6.1.7',
  fails: ({ update }) => (isRoutableUnicast(update.careOf) ? undefined : discarded('careOfAddress')),
};

export const sourceAddress: Test<{ readonly update: Update }> = {
  name: 'source address',
  section: 'RFC 6275 §9.5.4',
  fails: ({ update }) => (isRoutableUnicast(update.source) ? undefined : discarded('sourceAddress')),
};

/** A home registration carries no Nonce Indices option. */
export const nonceIndices: Test<{ readonly update: Update }> = {
  name: 'nonce indices',
  section: 'RFC 6275 §9.5.1',
  fails: ({ update }) =>
    update.message.flags.homeRegistration && update.options.nonceIndices ? discarded('nonceIndices') : undefined,
};

export const homeAddressOption: Test<{ readonly update: Update }> = {
  name: 'home address option',
  section: 'RFC 6275 §10.3.1',
  fails: ({ update }) =>
    update.homeAddressOption === undefined && update.message.lifetimeS > 0
      ? discarded('noHomeAddressOption')
      : undefined,
};

/** RFC 6275's sequence of tests: §9.5.1, then §10.3.1 or, for a lifetime of zero, §10.3.2. */
export const homeAgentTests: readonly Test<HomeRequest>[] = [
  sourceAddress,
  careOfAddress,
  {
    name: 'home address',
    section: 'RFC 6275 §9.5.1',
    fails: ({ update }) => (isRoutableUnicast(homeOf(update)) ? undefined : discarded('homeAddress')),
  },
  {
    name: 'return routability',
    section: 'RFC 6275 §9.5.1',
    fails: ({ update, returnRoutable }) =>
      update.message.flags.homeRegistration || returnRoutable ? undefined : discarded('notAuthorized'),
  },
  nonceIndices,
  {
    name: 'sequence number',
    section: 'RFC 6275 §9.5.1',
    fails: ({ update, existing }) => existing && outOfWindow(update.message.sequence, existing.sequence),
  },
  {
    name: 'registration type',
    section: 'RFC 6275 §9.5.1',
    fails: ({ update, existing }) =>
      existing && existing.homeRegistration !== update.message.flags.homeRegistration
        ? refused(status.registrationTypeChange, 'registration type change')
        : undefined,
  },
  {
    name: 'home agent',
    section: 'RFC 6275 §10.3.1',
    fails: ({ update, homeAgent }) =>
      update.message.flags.homeRegistration && !homeAgent
        ? refused(status.homeRegistrationNotSupported, 'home registration not supported')
        : undefined,
  },
  {
    name: 'de-registration',
    section: 'RFC 6275 §10.3.2',
    fails: ({ update, existing }) =>
      isDeregistration(update) && !existing
        ? refused(status.notHomeAgentForThisMobileNode, 'no binding to delete')
        : undefined,
  },
  {
    name: 'home subnet',
    section: 'RFC 6275 §10.3.1',
    fails: ({ onLink }) => (onLink ? undefined : refused(status.notHomeSubnet, 'not home subnet')),
  },
  {
    name: 'resources',
    section: 'RFC 6275 §10.3.1',
    fails: ({ existing, room }) =>
      existing || room ? undefined : refused(status.insufficientResources, 'insufficient resources'),
  },
  homeAddressOption,
  {
    name: 'duplicate address detection',
    section: 'RFC 6275 §10.3.1',
    fails: ({ existing, unique }) =>
      existing || unique ? undefined : refused(status.duplicateAddressDetectionFailed, 'address in use'),
  },
];

/** The answer of RFC 6275 §9.5.1 to a sequence number that is not newer: 135, with the last accepted one. */
export function outOfWindow(sequence: number, last: number): Verdict | undefined {
  return isNewer(sequence, last)
    ? undefined
    : refused(status.sequenceNumberOutOfWindow, 'sequence number out of window', last);
}

/** Whether a sequence number comes after `last`, modulo 2^16 (RFC 6275 §9.5.1). */
export function isNewer(sequence: number, last: number): boolean {
  const ahead = (sequence - last) & 0xffff;
  return ahead !== 0 && ahead < 0x8000;
}

/** The lifetime to grant: no more than was asked for, nor than `maximumS`, in the units of four seconds of the wire. */
export function grantedLifetimeS(requestedS: number, maximumS: number): number {
  return Math.max(4, Math.min(requestedS, maximumS) & ~3);
}
