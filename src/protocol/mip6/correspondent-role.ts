import { z } from 'zod';
import * as c from '../config.js';
import type { Environment } from '../contract.js';
import type { Role } from '../scheme.js';
import { Correspondent } from './correspondent.js';

export const correspondentSection = z.strictObject({
  /** Present: what mobiles say through local mobility agents is answered by way of them (draft-dommety §3.2.1). */
  localMobilityAgents: z.strictObject({}).optional(),
  maximumBindings: c.integer(1, 1_000_000).default(10_000),
  answersPerSecond: c.number(1, 1_000_000, 'messages a second').default(1000),
});
export type CorrespondentConfig = z.infer<typeof correspondentSection>;

export const correspondent: Role<CorrespondentConfig> = {
  name: 'cn',
  title: 'Correspondent node (RFC 6275)',
  parse: input => c.parsed(correspondentSection, input),
  create: (config: CorrespondentConfig, environment: Environment) => new Correspondent(config, environment),
};
