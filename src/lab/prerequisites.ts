import { accessSync, constants } from 'node:fs';

/** Debian packages of the programs the lab runs. */
const programs: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  ss: 'iproute2',
  sysctl: 'procps',
  setpriv: 'util-linux',
  ethtool: 'ethtool',
  tcpdump: 'tcpdump',
  iperf3: 'iperf3',
  ping: 'iputils-ping',
};

/** What this machine lacks, a line each. */
export function missingPrerequisites(extra: Readonly<Record<string, string>> = {}): string[] {
  const missing = Object.entries({ ...programs, ...extra })
    .filter(([program]) => !isInstalled(program))
    .map(([program, debian]) => `'${program}' is missing: apt-get install ${debian}`);
  return process.getuid?.() === 0 ? missing : ['network namespaces need root', ...missing];
}

function isInstalled(program: string): boolean {
  return ['/usr/sbin', '/usr/bin', '/sbin', '/bin', ...(process.env.PATH ?? '').split(':')].some(directory => {
    try {
      accessSync(`${directory}/${program}`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
