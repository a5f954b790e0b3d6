import { parsed } from '../config.js';
import type { Role } from '../scheme.js';
import { type ServerConfig, serverConfig } from './config.js';
import { Dhcpv6Server } from './server.js';

export const dhcpv6Server: Role<ServerConfig> = {
  name: 'dhcpv6-server',
  title: 'DHCPv6 server',
  parse: config => parsed(serverConfig, config),
  create: (config, environment) => new Dhcpv6Server(config, environment),
};
