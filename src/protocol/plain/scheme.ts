import type { Scheme } from '../scheme.js';

/** Plain IPv6: access routers advertise their own prefixes, and a mobile that moves gets another address. */
export const plain: Scheme = {
  name: 'none',
  title: 'Plain IPv6, no mobility',
  document: 'RFC 8200, RFC 4861, RFC 4862',
  place: () => [],
  closedForm: () => undefined,
};
