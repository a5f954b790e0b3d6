import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mag } from '../mag-role.js';

const client = 'fd00:c::1';
const neighbour = 'fd00::2';
const base = {
  address: 'fd00::1',
  accessLinks: [{ name: 'radio' }],
  insecure: true,
  pmipClients: [{ address: client }],
};
const key = '00112233445566778899aabbccddeeff';
const accessPoint = '02:00:00:00:0b:01';

function problems(contextTransfer: unknown, other: Readonly<Record<string, unknown>> = {}): string[] {
  const result = mag.parse({ ...base, ...other, contextTransfer });
  return result.ok ? [] : result.problems.map(({ path, expected }) => `${path.join('.')}: ${expected}`);
}

test('contextTransfer: a key and neighbours are enough', () => {
  const result = mag.parse({ ...base, contextTransfer: { key, neighbours: [{ address: neighbour }] } });
  assert.ok(result.ok);
  assert.deepEqual(problems({ key, neighbours: [{ address: neighbour, accessPoints: [accessPoint] }] }), []);
});

test('contextTransfer: what is wrong is said, and where; the key is not repeated', () => {
  const at = (address: string, ...accessPoints: string[]) => ({ address, accessPoints });
  assert.deepEqual(problems({ key: 'secret', neighbours: [] }), [
    'contextTransfer.key: 32 hex digits (the key that all gateways of the domain have)',
    'contextTransfer.neighbours: at least one gateway',
  ]);
  assert.deepEqual(problems({ key, neighbours: [at(neighbour), at(neighbour)] }), [
    'contextTransfer.neighbours.1.address: one entry a gateway',
  ]);
  assert.deepEqual(problems({ key, neighbours: [at(neighbour, accessPoint), at('fd00::3', accessPoint)] }), [
    'contextTransfer.neighbours.1.accessPoints.0: an access point of one gateway only',
  ]);
  assert.deepEqual(problems({ key, neighbours: [at(base.address)] }), [
    'contextTransfer.neighbours.0.address: another gateway',
  ]);
});

test('RFC 4067 §6.2: neighbours are peers with ESP, unless nothing is protected', () => {
  const security = {
    kind: 'esp',
    cipher: 'aes-128-gcm',
    outbound: { spi: 3001, key, salt: '90919293' },
    inbound: { spi: 3002, key: key.replace('00', '01'), salt: '90919293' },
  };
  const peers = [{ address: client, security }];
  assert.deepEqual(problems({ key, neighbours: [{ address: neighbour }] }, { insecure: false, peers }), [
    'contextTransfer.neighbours.0.address: the address of a peer with security of kind esp: SCTP needs it',
  ]);
});
