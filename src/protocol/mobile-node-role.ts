import { z } from 'zod';
import { prefixOf } from '../base/prefix.js';
import type { MobilityMessage } from '../wire/mobility/messages.js';
import * as c from './config.js';
import type { Environment } from './contract.js';
import { MobileNode } from './mobile/mobile-node.js';
import type { Role } from './scheme.js';
import { protectedSection, signalling } from './security/config.js';
import { secured } from './security/secured.js';

const section = protectedSection(
  z.strictObject({
    ...signalling,
    /** Its home address. */
    address: c.unicastAddress,
    homeAgent: c.unicastAddress,
    /** Of the home address's prefix. */
    homePrefixLength: c.integer(1, 128).default(64),
    /** Links it moves on, the most wanted first. */
    links: z.array(c.name).min(1, 'at least one link').default(['wlan0']),
    lifetimeS: c.lifetimeS.default(3600),
    movementDetection: c.choice(['eager', 'lazy']).default('eager'),
    linkTriggers: c.flag.default(true),
    missedAdvertisements: c.integer(1, 100).default(3),
    /** Whether correspondents are told where it is, so that packets go straight. */
    routeOptimisation: c.flag.default(true),
    maximumCorrespondents: c.integer(1, 10_000).default(256),
    parkOctets: c.integer(0, 1_000_000_000, 'octets').default(1_048_576),
  }),
);
export type MobileNodeConfig = z.infer<typeof section>;

export const mobileNode: Role<MobileNodeConfig> = {
  name: 'mn',
  title: 'Mobile node (RFC 6275)',
  parse: input => c.parsed(section, input),
  create(config: MobileNodeConfig, environment: Environment) {
    const { address, homePrefixLength, movementDetection: detection, ...others } = config;
    const home = { homeAddress: address, homePrefix: prefixOf(address, homePrefixLength) };
    return secured(
      new MobileNode({ ...others, ...home, detection }, environment),
      config,
      environment,
      needsNoAssociation,
    );
  },
};

/**
 * Return routability goes between strangers (RFC 6275 §5.2), and so do the updates and acknowledgements it authorizes; an
 * acknowledgement by the home agent that comes so is refused by the engine.
 */
function needsNoAssociation(message: MobilityMessage): boolean {
  switch (message.kind) {
    case 'homeTestInit':
    case 'careOfTestInit':
    case 'homeTest':
    case 'careOfTest':
    case 'bindingError':
      return true;
    case 'bindingUpdate':
      return !message.flags.homeRegistration;
    case 'bindingAcknowledgement':
      return !message.options.some(option => option.kind === 'mobilityMessageAuthentication');
    default:
      return false;
  }
}
