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

/** Asks again and again until the answer is something, for at most twenty seconds. */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    await wait(20);
  }
  throw new Error(`gave up waiting for ${what}`);
}
