import assert from 'node:assert/strict';
import { parseAddress } from '../base/address.js';
import type { HostError } from '../base/errors.js';
import { RoutedSocket } from './sockets.js';
import { namespaceTest } from './testing.js';

namespaceTest('an address that no device has is named in the error', async namespaces => {
  namespaces.add('node');
  const open = () => namespaces.within('node', () => new RoutedSocket(parseAddress('2001:db8:77::1')));
  assert.throws(
    open,
    (error: HostError) => error.errno === 99 && /^bind: 2001:db8:77::1: EADDRNOTAVAIL/.test(error.message),
  );
});
