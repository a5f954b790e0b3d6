import { assertCleanCapture } from '../oracle/tshark.js';
import { assertSeamless, roam } from './roaming.js';
import { comparison, labTest } from './support.js';

labTest('lab: a Linux host with SLAAC roams between MPAs that signal with RFC 4285', async directory => {
  const result = await roam('lmm', comparison({ protection: 'rfc4285' }), directory);
  await assertSeamless(result);
  for (const link of ['ar1-radio', 'ar2-radio', 'anchor1-ar1', 'anchor1-ar2'])
    assertCleanCapture(`${directory}/${link}.pcap`);
});

labTest('lab: a Linux host with a stock DHCPv6 client roams between MPAs that signal with ESP', async directory => {
  await assertSeamless(await roam('lmm', comparison({ addressing: 'dhcpv6', protection: 'esp' }), directory));
});

labTest('lab: a Linux host roams between MAGs of RFC 5213', async directory => {
  await assertSeamless(await roam('pmip6', comparison(), directory));
});
