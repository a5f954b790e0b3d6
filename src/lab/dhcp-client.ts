import { rmSync, writeFileSync } from 'node:fs';
import { type Children, namespaceOf, until } from './host.js';
import { readyAddresses } from './network.js';

/** ISC's client as Debian ships it, with its own script; only its files stand elsewhere. It wants a link-local address first. */
export async function startDhcpClient(children: Children, mobile: string, directory: string): Promise<void> {
  await until(`${mobile} to have a link-local address`, async () => (await readyAddresses(mobile, 'link'))[0]);
  const file = (name: string) => `${directory}/${mobile}.dhclient.${name}`;
  writeFileSync(file('conf'), 'request;\n');
  rmSync(file('leases'), { force: true });
  const files = ['-cf', file('conf'), '-lf', file('leases'), '-pf', file('pid')];
  const command = ['dhclient', '-6', '-d', '-v', ...files, 'wlan0'];
  children.startLogged(namespaceOf(mobile), command, file('log'));
}
