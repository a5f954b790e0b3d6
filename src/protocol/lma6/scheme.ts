import type { Scheme } from '../scheme.js';
import { closedForm } from './on-paper.js';
import { type Option, placements } from './placement.js';

const document = (option: Option) => `draft-dommety-mobileip-lma-ipv6-02 §2.1, option ${option}`;

/** A mobile that would use local mobility agents, where none is. */
export const withoutAgents: Scheme = scheme(1, 'Local mobility agents: none here, plain Mobile IPv6');
export const agentsOnLinks: Scheme = scheme(2, 'Local mobility agents on access routers');
export const agentsInHierarchy: Scheme = scheme(3, 'Local mobility agents on access routers, below one on the anchor');
export const agentBeyondLinks: Scheme = scheme(
  4,
  'Local mobility agent on the anchor alone, told of by access routers',
);

function scheme(option: Option, title: string): Scheme {
  return {
    name: `lma6-${option}`,
    title,
    document: document(option),
    place: network => placements(network, option),
    closedForm: handover => closedForm(handover, option),
  };
}
