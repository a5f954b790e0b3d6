import { spawn } from 'node:child_process';

/**
 * Tells the service manager (`READY=1`, `STOPPING=1`) where one listens. Node has no datagram sockets of the Unix kind,
 * so systemd's own tool says it; its unit needs `NotifyAccess=all`.
 */
export function notifyServiceManager(state: string): void {
  if (process.env.NOTIFY_SOCKET === undefined) return;
  spawn('systemd-notify', [`--pid=${process.pid}`, state], { stdio: 'ignore' }).on('error', () => undefined);
}
