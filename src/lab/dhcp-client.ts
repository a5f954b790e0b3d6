import { writeFileSync } from 'node:fs';
import { type Children, namespaceOf } from './host.js';

/** ISC's client as Debian ships it, with its own script; only its files stand elsewhere. */
export function startDhcpClient(children: Children, mobile: string, directory: string): void {
  const file = (name: string) => `${directory}/${mobile}.dhclient.${name}`;
  writeFileSync(file('conf'), 'request;\n');
  const files = ['-cf', file('conf'), '-lf', file('leases'), '-pf', file('pid')];
  const command = ['dhclient', '-6', '-d', '-v', ...files, 'wlan0'];
  children.startLogged(namespaceOf(mobile), command, file('log'));
}
