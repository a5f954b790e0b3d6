import type { Address } from '../base/address.js';
import type { Prefix } from '../base/prefix.js';
import type { Duration, Instant } from '../base/time.js';
import type { Engine, Environment } from '../protocol/contract.js';
import type { Link } from './link.js';
import type { AdvertiseOptions, InterfaceOptions, Movement, NodeOptions } from './options.js';

/** Makes an engine for a node, at the start and after every crash. */
export type EngineFactory = (environment: Environment) => Engine;

export declare class Node {
  readonly name: string;
  readonly options: NodeOptions;
  readonly environment: Environment;
  readonly engines: readonly Engine[];
  /** An interface on `link`, or on none until it roams to one. */
  attach(link: Link | undefined, options: InterfaceOptions): void;
  addEngine(create: EngineFactory): void;
  /** Advertise as an RFC 4861 router on that interface. */
  advertise(interfaceName: string, options: AdvertiseOptions): void;
  /** Packets to `prefix` are routed here; where several nodes say so, to the nearest. */
  originate(prefix: Prefix): void;
  roam(interfaceName: string, movement: Movement): void;
  crash(at: Instant): void;
  /** With what engines stored; `create` replaces what made them before. */
  restart(at: Instant, create?: readonly EngineFactory[]): void;
  setClockSkew(skew: Duration): void;
  /** Routable, preferred ones first. */
  addresses(): Address[];
}
