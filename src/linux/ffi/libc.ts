import { getSystemErrorMap } from 'node:util';
import koffi from 'koffi';
import { HostError } from '../../base/errors.js';
import { type Duration, second } from '../../base/time.js';

/** The C library's calls on file descriptors, synchronous, on the calling thread. A failure throws HostError. */

export const errno = koffi.os.errno;

const library = koffi.load(null);
const libc = {
  socket: library.func('int socket(int, int, int)'),
  bind: library.func('int bind(int, void *, uint32)'),
  connect: library.func('int connect(int, void *, uint32)'),
  setsockopt: library.func('int setsockopt(int, int, int, void *, uint32)'),
  getsockopt: library.func('int getsockopt(int, int, int, void *, void *)'),
  sendto: library.func('int64 sendto(int, void *, uint64, int, void *, uint32)'),
  recv: library.func('int64 recv(int, void *, uint64, int)'),
  sendmsg: library.func('int64 sendmsg(int, void *, int)'),
  recvmsg: library.func('int64 recvmsg(int, void *, int)'),
  listen: library.func('int listen(int, int)'),
  recvmmsg: library.func('int recvmmsg(int, void *, uint32, int, void *)'),
  open: library.func('int open(str, int)'),
  close: library.func('int close(int)'),
  read: library.func('int64 read(int, void *, uint64)'),
  write: library.func('int64 write(int, void *, uint64)'),
  ioctl: library.func('int ioctl(int, uint64, void *)'),
  ioctlNumber: library.func('int ioctl(int, uint64, uint64)'),
  ppoll: library.func('int ppoll(void *, uint64, void *, void *)'),
  eventfd: library.func('int eventfd(uint32, int)'),
  setns: library.func('int setns(int, int)'),
  if_nametoindex: library.func('uint32 if_nametoindex(str)'),
};

export const AF = { inet: 2, inet6: 10, netlink: 16, packet: 17 } as const;
export const socketType = { datagram: 2, raw: 3, sequencedPacket: 5, nonBlocking: 0o4000 } as const;
const SOCK_CLOEXEC = 0o2000000;
const O_RDWR = 2;
const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
const MSG_DONTWAIT = 0x40;
const POLLIN = 1;
const CLONE_NEWNET = 0x40000000;
const EFD_CLOEXEC = 0o2000000;

function check(call: string, result: number | bigint, detail = ''): number {
  if (result >= 0) return Number(result);
  const code = koffi.errno();
  throw hostError(call, code, detail);
}

/** `detail` says what the call was about. */
export function hostError(call: string, code: number, detail = ''): HostError {
  const [name, text] = getSystemErrorMap().get(-code) ?? ['unknown', 'unknown error'];
  return new HostError(call, code, `${detail}${detail ? ': ' : ''}${name} ${text}`);
}

export function openSocket(family: number, type: number, protocol: number): number {
  return check('socket', libc.socket(family, type | SOCK_CLOEXEC, protocol), `family ${family}, protocol ${protocol}`);
}

/** `about` says in an error which address it is. */
export function bindSocket(fd: number, address: Uint8Array, about = ''): void {
  check('bind', libc.bind(fd, address, address.length), about);
}

export function setSocketOption(fd: number, level: number, name: number, value: number | Uint8Array): void {
  const octets = typeof value === 'number' ? new Uint8Array(Int32Array.of(value).buffer) : value;
  check('setsockopt', libc.setsockopt(fd, level, name, octets, octets.length), `level ${level}, option ${name}`);
}

export function connectSocket(fd: number, address: Uint8Array): void {
  check('connect', libc.connect(fd, address, address.length));
}

/** The value of an option that is an int. */
export function socketOption(fd: number, level: number, name: number): number {
  const value = new Int32Array(1);
  const length = Uint32Array.of(value.byteLength);
  check('getsockopt', libc.getsockopt(fd, level, name, value, length), `level ${level}, option ${name}`);
  return value[0];
}

/** Never waits: a full queue is a HostError like another. */
export function sendTo(fd: number, bytes: Uint8Array, address: Uint8Array | null = null): void {
  check('sendto', libc.sendto(fd, bytes, bytes.length, MSG_DONTWAIT, address, address?.length ?? 0));
}

/** Octets received into `into`. Waits as long as the socket's receive timeout allows. */
export function receive(fd: number, into: Uint8Array): number {
  return check('recv', libc.recv(fd, into, into.length, 0));
}

/** Messages received into the headers `messages` points at; 0 when nothing waits. */
export function receiveMessages(fd: number, messages: Uint8Array, count: number): number {
  const received = libc.recvmmsg(fd, messages, count, MSG_DONTWAIT, null);
  return received < 0 && isTransient(koffi.errno()) ? 0 : check('recvmmsg', received);
}

export function listenOn(fd: number, backlog: number): void {
  check('listen', libc.listen(fd, backlog));
}

/** Sends what a `struct msghdr` describes; never waits. */
export function sendMessage(fd: number, message: Uint8Array): void {
  check('sendmsg', libc.sendmsg(fd, message, MSG_DONTWAIT));
}

/** Octets received into what a `struct msghdr` describes; undefined when nothing waits. Never waits. */
export function receiveMessage(fd: number, message: Uint8Array): number | undefined {
  const octets = libc.recvmsg(fd, message, MSG_DONTWAIT);
  return octets < 0 && isTransient(koffi.errno()) ? undefined : check('recvmsg', octets);
}

export function openFile(path: string, options: { nonBlocking?: boolean; readOnly?: boolean } = {}): number {
  const flags = (options.readOnly ? 0 : O_RDWR) | (options.nonBlocking ? O_NONBLOCK : 0) | O_CLOEXEC;
  return check('open', libc.open(path, flags), path);
}

export function closeFile(fd: number): void {
  libc.close(fd);
}

/** Octets read; 0 at the end, or when nothing waits on a descriptor that does not block, or its queue had overflowed. */
export function readFile(fd: number, into: Uint8Array): number {
  const octets = libc.read(fd, into, into.length);
  return octets < 0 && isTransient(koffi.errno()) ? 0 : check('read', octets);
}

export function writeFile(fd: number, bytes: Uint8Array): void {
  check('write', libc.write(fd, bytes, bytes.length));
}

function isTransient(code: number): boolean {
  return code === errno.EAGAIN || code === errno.EINTR || code === errno.ENETDOWN || code === errno.ENOBUFS;
}

export function ioctl(fd: number, request: number, argument: Uint8Array | null, detail = ''): void {
  check('ioctl', libc.ioctl(fd, request, argument), detail);
}

export function ioctlNumber(fd: number, request: number, argument: number): void {
  check('ioctl', libc.ioctlNumber(fd, request, argument));
}

/** What poll() says of a descriptor. One in error is so until its error is read, or for ever. */
export type Readiness = 'idle' | 'readable' | 'inError';

/** Waits until one of `fds` can be read or is in error, or for `timeout`. */
export function waitReadable(fds: readonly number[], timeout?: Duration): Readiness[] {
  const entries = new DataView(new ArrayBuffer(8 * fds.length));
  for (let i = 0; i < fds.length; i++) {
    entries.setInt32(8 * i, fds[i], true);
    entries.setInt16(8 * i + 4, POLLIN, true);
  }
  const ready = libc.ppoll(entries, fds.length, timeout === undefined ? null : timespec(timeout), null);
  if (ready < 0 && koffi.errno() === errno.EINTR) return fds.map(() => 'idle');
  check('ppoll', ready);
  return fds.map((_, i) => readiness(entries.getInt16(8 * i + 6, true)));
}

function readiness(events: number): Readiness {
  return events === 0 ? 'idle' : events & POLLIN ? 'readable' : 'inError';
}

function timespec(duration: Duration): BigInt64Array {
  const whole = Math.floor(duration / second);
  return BigInt64Array.of(BigInt(whole), BigInt(Math.floor(duration - whole * second)));
}

/** A descriptor that {@link wake} makes readable, from any thread. */
export function createEvent(): number {
  return check('eventfd', libc.eventfd(0, EFD_CLOEXEC));
}

export function wake(event: number): void {
  writeFile(event, new Uint8Array(BigUint64Array.of(1n).buffer));
}

/** Moves the calling thread into the network namespace open at `fd`; threads it starts afterwards begin there. */
export function enterNetworkNamespace(fd: number): void {
  check('setns', libc.setns(fd, CLONE_NEWNET));
}

/** The kernel's number of a device, in the calling thread's namespace. Throws HostError when there is none. */
export function deviceIndex(name: string): number {
  const index = libc.if_nametoindex(name);
  if (index === 0) throw hostError('if_nametoindex', koffi.errno(), name);
  return index;
}

/** Where the octets of an array stand in memory; they stay there as long as the array lives, as large arrays do not move. */
export function addressOf(bytes: Uint8Array): bigint {
  return koffi.address(bytes);
}
