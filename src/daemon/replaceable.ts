import { type Address, formatAddress } from '../base/address.js';
import { unreachable } from '../base/errors.js';
import { formatLinkAddress } from '../base/link-address.js';
import { formatPrefix, type Prefix, prefixKey } from '../base/prefix.js';
import type { Instant } from '../base/time.js';
import type { Engine, ForwardingRule, Input, Interests, Output, Row, StoredRecord, Via } from '../protocol/contract.js';
import { ruleKey, tunnelEndKey, withdrawn } from '../protocol/rules.js';

/** An engine whose place another can take while a world runs it, and which knows what it asked the world to forward. */
export class ReplaceableEngine implements Engine {
  #engine: Engine;
  #successor: { readonly engine: Engine; readonly records: Iterable<StoredRecord> } | undefined;
  #declared = new Declarations();
  readonly #facts = new Facts();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  get interests(): Interests {
    return this.#engine.interests;
  }
  get deadline(): Instant | undefined {
    return this.#engine.deadline;
  }
  get counters(): Readonly<Record<string, number>> {
    return this.#engine.counters;
  }
  get views(): Readonly<Record<string, () => Iterable<Row>>> {
    return { ...this.#engine.views, rules: () => this.#declared.rows() };
  }

  handle(input: Input, now: Instant): Output[] {
    const replaced = this.#successor === undefined ? [] : this.#takeOver(now);
    this.#facts.note(input);
    const outputs = this.#engine.handle(input, now);
    this.#declared.note(outputs);
    return replaced.length === 0 ? outputs : [...replaced, ...outputs];
  }

  /** From the next input on `engine`, which knows what `records` say, is the one; rules it does not repeat are taken back then. */
  replace(engine: Engine, records: Iterable<StoredRecord>): void {
    this.#successor = { engine, records };
  }

  #takeOver(now: Instant): Output[] {
    const { engine, records } = this.#successor!;
    this.#successor = undefined;
    const before = this.#declared;
    this.#engine = engine;
    this.#declared = new Declarations();
    const told: Input[] = [{ kind: 'restored', records }, ...this.#facts.all()];
    const outputs = told.flatMap(input => engine.handle(input, now));
    this.#declared.note(outputs);
    return [...outputs, ...before.withdrawals(this.#declared)];
  }
}

/** What the world has told of links and does not tell again unasked: how they are, and who is on them. */
class Facts {
  readonly #told = new Map<string, Input>();

  note(input: Input): void {
    switch (input.kind) {
      case 'link':
        this.#told.set(`link ${input.link}`, input);
        return;
      case 'address':
        return this.#keep(`address ${input.link} ${input.address}`, input, input.state !== 'gone');
      case 'router':
        return this.#keep(`router ${input.link} ${input.router}`, input, input.advertisement !== undefined);
      default:
        return;
    }
  }

  all(): Iterable<Input> {
    return this.#told.values();
  }

  #keep(key: string, input: Input, holds: boolean): void {
    if (holds) this.#told.set(key, input);
    else this.#told.delete(key);
  }
}

/** What of the contract's outputs stands in the world until it is taken back. */
class Declarations {
  readonly #rules = new Map<string, ForwardingRule>();
  readonly #ends = new Map<string, Extract<Output, { kind: 'admit' }>>();
  readonly #watched = new Map<string, Prefix>();
  readonly #announced = new Map<string, Prefix>();
  readonly #homes = new Map<string, Extract<Output, { kind: 'configure' }>>();
  readonly #proxies = new Map<string, Extract<Output, { kind: 'proxy' }>>();

  note(outputs: readonly Output[]): void {
    for (const output of outputs)
      switch (output.kind) {
        case 'forward':
          this.#rules.set(ruleKey(output.rule), output.rule);
          break;
        case 'unforward':
          this.#rules.delete(ruleKey(output));
          break;
        case 'admit':
          this.#ends.set(tunnelEndKey(output.end), output);
          break;
        case 'unadmit':
          this.#ends.delete(tunnelEndKey(output.end));
          break;
        case 'watch':
          this.#watched.set(prefixKey(output.to), output.to);
          break;
        case 'unwatch':
          this.#watched.delete(prefixKey(output.to));
          break;
        case 'announce':
          this.#announced.set(prefixKey(output.prefix), output.prefix);
          break;
        case 'unannounce':
          this.#announced.delete(prefixKey(output.prefix));
          break;
        case 'configure':
          this.#homes.set(output.address, output);
          break;
        case 'unconfigure':
          this.#homes.delete(output.address);
          break;
        case 'proxy':
          this.#proxies.set(output.link + output.address, output);
          break;
        case 'unproxy':
          this.#proxies.delete(output.link + output.address);
          break;
        case 'send':
        case 'message':
        case 'authenticate':
        case 'store':
        case 'trace':
          break;
        default:
          unreachable(output);
      }
  }

  withdrawals(kept: Declarations): Output[] {
    const outputs: Output[] = [];
    for (const [key, rule] of this.#rules) if (!kept.#rules.has(key)) outputs.push(withdrawn(rule));
    for (const [key, { end }] of this.#ends) if (!kept.#ends.has(key)) outputs.push({ kind: 'unadmit', end });
    for (const [key, to] of this.#watched) if (!kept.#watched.has(key)) outputs.push({ kind: 'unwatch', to });
    for (const [key, prefix] of this.#announced)
      if (!kept.#announced.has(key)) outputs.push({ kind: 'unannounce', prefix });
    for (const [key, { address }] of this.#homes)
      if (!kept.#homes.has(key)) outputs.push({ kind: 'unconfigure', address });
    for (const [key, { link, address }] of this.#proxies)
      if (!kept.#proxies.has(key)) outputs.push({ kind: 'unproxy', link, address });
    return outputs;
  }

  *rows(): Iterable<Row> {
    for (const { to, from, via, copy, intercepts } of this.#rules.values())
      yield {
        to: to && formatPrefix(to),
        from: from && formatPrefix(from),
        via: formatVia(via),
        copy: copy && formatVia(copy),
        ...(intercepts && { intercepts }),
      };
    for (const { end, intercepted } of this.#ends.values()) {
      const { local, remote, from, to, by = 'tunnel' } = end;
      yield {
        to: to && formatPrefix(to),
        from: from && formatPrefix(from),
        via: `end of ${by} ${formatAddress(local)} from ${formatAddress(remote)}`,
        ...(intercepted && { intercepted }),
      };
    }
    for (const prefix of this.#announced.values()) yield { to: formatPrefix(prefix), via: 'announced' };
  }
}

function formatVia(via: Via): string {
  switch (via.kind) {
    case 'tunnel':
      return `tunnel ${formatAddress(via.local)} to ${formatAddress(via.remote)}`;
    case 'link':
      if (via.router !== undefined) return `${via.link} ${formatAddress(via.router)}`;
      return via.neighbour === undefined ? via.link : `${via.link} ${formatLinkAddress(via.neighbour)}`;
    case 'routeOptimised':
      return `from ${careOfText(via.sourceCareOf)} to ${careOfText(via.destinationCareOf)}`;
    case 'park':
      return `park up to ${via.limitOctets} octets`;
    case 'drop':
      return 'drop';
    default:
      return unreachable(via);
  }
}

function careOfText(careOf: Address | undefined): string {
  return careOf === undefined ? 'itself' : `care-of ${formatAddress(careOf)}`;
}
