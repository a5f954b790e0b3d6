import { parsed } from '../config.js';
import type { Role } from '../scheme.js';
import { AaaServer } from './server.js';
import { type ServerConfig, serverSection } from './server-config.js';

export const aaaServer: Role<ServerConfig> = {
  name: 'aaa',
  title: 'AAA server (RADIUS)',
  parse: input => parsed(serverSection, input),
  create: (config, environment) => new AaaServer(config, environment),
};
