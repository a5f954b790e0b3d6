import type { Address } from '../../../base/address.js';
import { Deadlines } from '../../../base/deadlines.js';
import type { Duration, Instant } from '../../../base/time.js';
import type { Output } from '../../contract.js';
import { isSameVia, ruleKey, tunnelEndKey, withdrawn } from '../../rules.js';

/** A rule or a tunnel end, as an engine declares it. */
export type Declaration = Extract<Output, { kind: 'forward' | 'admit' }>;

/**
 * What is declared for each visitor. Told what it needs now, it says what that changes. What a mobile sent before may still be on
 * its way, so ends stay for a moment after they are needed. Rules do not: what the home agent has taken out of its tunnel may pass
 * here on its way, and would go back.
 */
export class VisitDeclarations {
  readonly #delay: Duration;
  readonly #byHome = new Map<Address, Map<string, Declaration>>();
  /** Keys of what stays for a moment; their visitors. */
  readonly #lingering = new Deadlines<string>();
  readonly #homes = new Map<string, Address>();

  constructor(delay: Duration) {
    this.#delay = delay;
  }

  get deadline(): Instant | undefined {
    return this.#lingering.next;
  }

  /** `closed`: what is not to stay for a moment. */
  set(
    home: Address,
    wanted: readonly Declaration[],
    now: Instant,
    outputs: Output[],
    closed: readonly Declaration[] = [],
  ): void {
    const declared = this.#byHome.get(home) ?? new Map<string, Declaration>();
    this.#byHome.set(home, declared);
    const keys = new Set<string>();
    for (const declaration of wanted) {
      const key = keyOf(declaration);
      keys.add(key);
      this.#needed(key);
      const before = declared.get(key);
      if (before && isSame(before, declaration)) continue;
      declared.set(key, declaration);
      outputs.push(declaration);
    }
    for (const [key, declaration] of declared) {
      if (keys.has(key) || this.#homes.has(key)) continue;
      if (declaration.kind === 'admit') this.#linger(key, home, now);
      else this.#withdraw(key, home, outputs);
    }
    for (const key of closed.map(keyOf)) if (declared.has(key)) this.#withdraw(key, home, outputs);
  }

  /** At once. */
  remove(home: Address, outputs: Output[]): void {
    for (const key of [...(this.#byHome.get(home)?.keys() ?? [])]) this.#withdraw(key, home, outputs);
  }

  tick(now: Instant, outputs: Output[]): void {
    for (const key of this.#lingering.takeDue(now)) this.#withdraw(key, this.#homes.get(key) as Address, outputs);
  }

  #linger(key: string, home: Address, now: Instant): void {
    this.#homes.set(key, home);
    this.#lingering.set(key, now + this.#delay);
  }

  #needed(key: string): void {
    this.#homes.delete(key);
    this.#lingering.clear(key);
  }

  #withdraw(key: string, home: Address, outputs: Output[]): void {
    this.#needed(key);
    const declared = this.#byHome.get(home) as Map<string, Declaration>;
    const declaration = declared.get(key) as Declaration;
    declared.delete(key);
    if (declared.size === 0) this.#byHome.delete(home);
    outputs.push(withdrawal(declaration));
  }
}

/** Each names the visitor's home address, so that no two visitors have one in common. */
function keyOf(declaration: Declaration): string {
  return declaration.kind === 'forward' ? `rule ${ruleKey(declaration.rule)}` : `end ${tunnelEndKey(declaration.end)}`;
}

function isSame(one: Declaration, other: Declaration): boolean {
  if (one.kind === 'admit' || other.kind === 'admit') return true;
  return isSameVia(one.rule.via, other.rule.via) && one.rule.over?.join() === other.rule.over?.join();
}

function withdrawal(declaration: Declaration): Output {
  return declaration.kind === 'admit' ? { kind: 'unadmit', end: declaration.end } : withdrawn(declaration.rule);
}
