import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../base/address.js';
import { parseLinkAddress } from '../../base/link-address.js';
import { Directory } from './directory.js';
import { applicantOf, applicationAttributes } from './profile-attributes.js';

const station = parseLinkAddress('02:00:00:00:00:01');
const gateway = parseAddress('2001:db8:1::1');
const addressing = ['slaac'] as const;
const directory = new Directory({
  profiles: [
    { identity: 'anywhere@example.net', addressing: [...addressing] },
    { identity: 'here@example.net', linkAddress: station, addressing: [...addressing] },
  ],
  nearestAnchor: [],
});

test('draft-dommety §1.1 C: who asks from beyond the link is known by identity alone, unless its profile has a link-layer address', () => {
  const kinds = ['anywhere@example.net', 'here@example.net', 'nobody@example.net'].map(
    identity => directory.outcome({ identity }, gateway).kind,
  );
  assert.deepEqual(kinds, ['accepted', 'rejected', 'rejected']);
  assert.equal(directory.outcome({ identity: 'here@example.net', station }, gateway).kind, 'accepted');
  assert.equal(directory.outcome({ station }, gateway).kind, 'accepted');
  assert.deepEqual(directory.outcome({}, gateway), {
    kind: 'rejected',
    reason: 'unknown station no link-layer address',
  });
});

test('RFC 6572 §5.1: an applicant is asked about by what is known of it, and read back so', () => {
  for (const applicant of [{ station }, { identity: 'a@example.net' }, { station, identity: 'a@example.net' }])
    assert.deepEqual(applicantOf(applicationAttributes(applicant)), applicant);
  assert.equal(applicantOf(applicationAttributes({})), undefined);
  assert.equal(
    applicantOf([
      { kind: 'userName', name: 'a@example.net' },
      { kind: 'callingStationId', station: 'not one' },
    ]),
    undefined,
  );
});
