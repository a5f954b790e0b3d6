import type { Instant } from '../../base/time.js';
import type { Output } from '../contract.js';
import type { Binding } from './binding-cache.js';

/** What a dialect's bindings need of forwarding, where RFC 6275's tunnel to the care-of address alone is not what they need. */
export interface BindingForwarding {
  readonly deadline: Instant | undefined;
  tick(now: Instant, outputs: Output[]): void;
  /** The binding is registered, where it says: all that it needs is declared, and what it needed before is taken back. */
  place(binding: Binding, now: Instant, outputs: Output[]): void;
  /** It is not registered any more; what its mobile sent before may still be on its way. */
  leave(binding: Binding, now: Instant, outputs: Output[]): void;
  /** Nothing of it stays. */
  remove(binding: Binding, outputs: Output[]): void;
  /** What the binding's record says of it: JSON. */
  recordOf(binding: Binding): unknown;
  /** Reads that back before the binding is placed; false: nothing can come of the binding. */
  restore(binding: Pick<Binding, 'home'>, record: unknown): boolean;
}
