import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { marks } from '../../test/support/linux-checks.js';
import { anchorRole, Role } from '../../test/support/linux-row.js';
import { parsePrefix } from '../base/prefix.js';
import { announcedTable } from './announcements.js';
import type { Namespaces } from './namespaces.js';
import { namespaceTest, until } from './testing.js';

const [a, b, c] = ['2001:db8:a::/48', '2001:db8:b0::/44', '2001:db8:c::/48'].map(parsePrefix);

/** An anchor beside a router of the network. */
function buildNetwork(namespaces: Namespaces): void {
  for (const name of ['anchor', 'router']) namespaces.add(name);
  namespaces.connect({ namespace: 'anchor', device: 'core' }, { namespace: 'router', device: 'core' });
  namespaces.configure('anchor', ['addr add 2001:db8:b::1/64 dev core nodad']);
  namespaces.configure('router', ['addr add 2001:db8:b::2/64 dev core nodad']);
}

/** What is in the table for routing daemons. */
function announced(namespaces: Namespaces): string[] {
  const table = ['ip', '-6', 'route', 'show', 'table', 'all', 'type', 'blackhole'] as const;
  const lines = namespaces.run('anchor', ...table).split('\n');
  return lines.flatMap(line => (line.includes(`table ${announcedTable} `) ? [line.split(' ')[1]] : [])).sort();
}

namespaceTest(
  'contract: prefixes are announced in a table of their own; they outlive a crash, and a successor announces its own',
  async namespaces => {
    buildNetwork(namespaces);
    const before = marks(namespaces, 'anchor');
    const restored = [a, b].map(prefix => ({ kind: 'announce', prefix }) as const);
    const world = await Role.start(namespaces, 'anchor', { ...anchorRole, restored });
    assert.deepEqual(announced(namespaces), ['2001:db8:a::/48', '2001:db8:b0::/44']);
    assert.equal(
      namespaces.run('anchor', 'sh', '-c', 'ip -6 route get 2001:db8:a::1 2>&1 || true').includes('blackhole'),
      false,
    );
    await world.perform({ kind: 'unannounce', prefix: b }, { kind: 'announce', prefix: c });
    assert.deepEqual(announced(namespaces), ['2001:db8:a::/48', '2001:db8:c::/48']);
    await world.kill();
    assert.deepEqual(announced(namespaces), ['2001:db8:a::/48', '2001:db8:c::/48']);
    const successor = await world.again([{ kind: 'announce', prefix: a }]);
    assert.deepEqual(announced(namespaces), ['2001:db8:a::/48']);
    await successor.stop();
    assert.equal(marks(namespaces, 'anchor'), before);
  },
);

/** As docs/operating.md has it for an anchor; a router has the same without what is announced. */
function birdConfiguration(routerId: string, announces: boolean): string {
  const announcement = `
    ipv6 table announced;
    protocol kernel anchorage {
      kernel table ${announcedTable};
      learn;
      ipv6 { table announced; import all; export none; };
    }
    protocol pipe { table master6; peer table announced; import all; export none; }`;
  return `
    router id ${routerId};
    protocol device { scan time 1; }
    ${announces ? announcement : ''}
    protocol kernel { ipv6 { export where proto != "anchorage"; }; }
    protocol ospf v3 {
      ipv6 { import all; export where proto = "anchorage"; };
      area 0 { interface "core" { type ptp; hello 1; dead 4; }; };
    }`;
}

function hasBird(namespaces: Namespaces): boolean {
  try {
    namespaces.run('anchor', 'bird', '--version');
    return true;
  } catch (error) {
    if (process.env.CI === 'true') throw error;
    return false;
  }
}

namespaceTest(
  'draft-chan §4.2: BIRD tells the network of what is announced, and no more of what is not',
  async (namespaces, context) => {
    buildNetwork(namespaces);
    if (!hasBird(namespaces)) return context.skip('needs bird2');
    const world = await Role.start(namespaces, 'anchor', anchorRole);
    const directory = mkdtempSync(join(tmpdir(), 'anchorage-bird-'));
    try {
      for (const [name, id] of [
        ['anchor', '0.0.0.1'],
        ['router', '0.0.0.2'],
      ]) {
        const [file, socket] = [join(directory, `${name}.conf`), join(directory, `${name}.sock`)];
        writeFileSync(file, birdConfiguration(id, name === 'anchor'));
        namespaces.spawn(name, 'bird', ['-f', '-c', file, '-s', socket], { stdio: 'ignore' });
      }
      const route = () => namespaces.run('router', 'ip', '-6', 'route', 'show', 'proto', 'bird');
      await world.perform({ kind: 'announce', prefix: a });
      await until('the way to the prefix', () => /^2001:db8:a::\/48 via fe80:\S+ dev core/.test(route()));
      await world.perform({ kind: 'unannounce', prefix: a });
      await until('no way to the prefix', () => !route().includes('2001:db8:a::/48'));
      await world.perform({ kind: 'announce', prefix: a });
      await until('the way to the prefix', () => route().includes('2001:db8:a::/48'));
      await world.stop();
      await until('no way to the prefix', () => !route().includes('2001:db8:a::/48'));
      assert.doesNotMatch(namespaces.run('anchor', 'ip', '-6', 'route'), /2001:db8:a::/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);
