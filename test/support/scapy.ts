import { spawnSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';

/** An interpreter that has scapy, by its name. */
const interpreter = ['python3', '/usr/bin/python3'].find(
  name => spawnSync(name, ['-c', 'import scapy.layers.ipsec, scapy.layers.dhcp6'], { stdio: 'ignore' }).status === 0,
);

/** A test with scapy as the judge: it is skipped, saying so, where scapy is not installed, and fails there when CI=true. */
export function scapyTest(name: string, run: (t: TestContext) => void): void {
  const skip = interpreter || process.env.CI === 'true' ? false : 'needs python3 with scapy (Debian: python3-scapy)';
  test(name, { skip }, run);
}

/** What `script` prints as JSON; it finds `input` under that name, and scapy imported. */
export function scapy(script: string, input: unknown): unknown {
  if (!interpreter) throw new Error('needs python3 with scapy (Debian: python3-scapy)');
  const source = `import sys, json, hmac, hashlib
from scapy.all import *
from scapy.layers.ipsec import *
from scapy.layers.dhcp6 import *
input = json.loads(sys.stdin.read())
${script}`;
  const { status, stdout, stderr } = spawnSync(interpreter, ['-W', 'ignore', '-c', source], {
    input: JSON.stringify(input),
    encoding: 'utf8',
    maxBuffer: Number.POSITIVE_INFINITY,
  });
  if (status !== 0) throw new Error(`scapy failed:\n${stderr}`);
  return JSON.parse(stdout);
}
