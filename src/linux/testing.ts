import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Namespaces, whyNoNamespaces } from './namespaces.js';

/** A test on namespaces of its own, gone when it ends. Where they cannot be made it is skipped, or fails if CI=true. */
export function namespaceTest(
  name: string,
  run: (namespaces: Namespaces, context: TestContext) => Promise<void>,
): void {
  const reason = whyNoNamespaces();
  if (reason && process.env.CI !== 'true') {
    test(name, { skip: reason });
    return;
  }
  test(name, async context => {
    if (reason) throw new Error(reason);
    const namespaces = new Namespaces();
    try {
      await run(namespaces, context);
    } finally {
      await namespaces.remove();
    }
  });
}

const pauseMs = 20;
const patienceS = Number(process.env.ANCHORAGE_TEST_PATIENCE_S ?? 20);

/** Asks again and again until the answer is something; throws when it has taken longer than it may. */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  for (let attempt = 0; attempt < (1000 * patienceS) / pauseMs; attempt++) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    await wait(pauseMs);
  }
  throw new Error(`gave up waiting for ${what}`);
}
