import type { Address } from '../base/address.js';
import { maskAddress } from '../base/prefix.js';
import type { ForwardingRule } from '../protocol/contract.js';
import { keyText, type RuleKey } from './parking.js';

/** Forwarding rules looked up in user space: the longest `to`, then the longest `from`. */
export class RuleTable {
  readonly #rules = new Map<string, ForwardingRule>();
  /** Lengths of the prefixes of rules, the most specific first. */
  #shapes: { readonly to: number; readonly from: number; rules: number }[] = [];

  get size(): number {
    return this.#rules.size;
  }

  get(key: RuleKey): ForwardingRule | undefined {
    return this.#rules.get(keyText(key));
  }

  values(): Iterable<ForwardingRule> {
    return this.#rules.values();
  }

  /** Returns the rule that stood in its place. */
  set(rule: ForwardingRule): ForwardingRule | undefined {
    const key = keyText(rule);
    const before = this.#rules.get(key);
    this.#rules.set(key, rule);
    if (before) return before;
    const [to, from] = shapeOf(rule);
    const shape = this.#shapes.find(known => known.to === to && known.from === from);
    if (shape) shape.rules++;
    else {
      this.#shapes.push({ to, from, rules: 1 });
      this.#shapes.sort((a, b) => b.to - a.to || b.from - a.from);
    }
    return undefined;
  }

  delete(key: RuleKey): ForwardingRule | undefined {
    const before = this.#rules.get(keyText(key));
    if (!before) return undefined;
    this.#rules.delete(keyText(key));
    const [to, from] = shapeOf(key);
    const shape = this.#shapes.find(known => known.to === to && known.from === from);
    if (shape && --shape.rules === 0) this.#shapes = this.#shapes.filter(other => other !== shape);
    return before;
  }

  clear(): void {
    this.#rules.clear();
    this.#shapes = [];
  }

  /** Rules that `passOver` names are as if they were not there. */
  lookup(
    destination: Address,
    source: Address,
    passOver: (rule: ForwardingRule) => boolean = () => false,
  ): ForwardingRule | undefined {
    for (const { to, from } of this.#shapes) {
      const key = {
        to: { address: maskAddress(destination, to), length: to },
        from: { address: maskAddress(source, from), length: from },
      };
      const rule = this.#rules.get(keyText(key));
      if (rule && !passOver(rule)) return rule;
    }
    return undefined;
  }
}

function shapeOf({ to, from }: RuleKey): [to: number, from: number] {
  return [to?.length ?? 0, from?.length ?? 0];
}
