import type { Scheme } from '../scheme.js';
import { closedForm } from './on-paper.js';
import { homePrefixOf, placements, type Tunnelling } from './placement.js';

export const dlma: Scheme = scheme('dlma', 'Distributed local mobility anchors', 'atAnchors');
export const dlmaBypass: Scheme = scheme(
  'dlma-bypass',
  'Distributed local mobility anchors, their tunnels joined',
  'bypassed',
);

function scheme(name: string, title: string, tunnelling: Tunnelling): Scheme {
  return {
    name,
    title,
    document: 'draft-chan-netext-distributed-lma-03',
    place: network => placements(network, tunnelling),
    manualPrefix: (network, mobile) => homePrefixOf(network, network.mobiles.find(({ node }) => node === mobile)!),
    closedForm: handover => closedForm(handover, tunnelling),
  };
}
