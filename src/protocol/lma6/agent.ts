import { milliseconds } from '../../base/time.js';
import { Anchor, type AnchorSettings } from '../anchor/anchor.js';
import { peerSettings } from '../anchor/config.js';
import { AnchorEngine, type Dialect } from '../anchor/engine.js';
import type { Engine, Environment } from '../contract.js';
import type { AgentConfig } from './config.js';

/** The local mobility agent of draft-dommety, link-connected or not. */
export function createLocalMobilityAgent(config: AgentConfig, environment: Environment): Engine {
  const anchor = new Anchor(anchorSettings(config), environment);
  const dialect: Dialect = { handle: () => {} };
  return new AnchorEngine(anchor, dialect);
}

function anchorSettings(config: AgentConfig): AnchorSettings {
  return {
    address: config.address,
    peers: peerSettings({ ...config, permissions: [] }),
    insecure: config.insecure,
    prefixes: [],
    homeLength: 128,
    maximumLifetimeS: config.maximumLifetimeS,
    maximumBindings: config.maximumVisitors,
    deleteDelay: milliseconds(config.deleteDelayMs),
    drainDelay: milliseconds(config.drainDelayMs),
    updateRate: { perSecond: config.updatesPerSecond, burst: config.updateBurst },
    revocation: undefined,
  };
}
