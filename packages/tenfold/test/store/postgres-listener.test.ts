/** A listener on Postgres whose way to the server breaks, falls silent, or has a pool in it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Listener } from "../../src/store/postgres/listener.ts";
import { newSchema, onServer } from "./postgres-server.ts";
import { way } from "./postgres-way.ts";

const PATIENCE_MS = 400;

test("a listener hears again by itself after its session broke, and says once that it is back", async (t) => {
  const by = await way(t);
  const channel = newSchema();
  const listener = new Listener(by.url, channel, { name: "the store", purpose: by.purpose, patienceMs: 60_000 });
  t.after(() => listener.close());
  let heard = 0;
  let told: () => void = () => undefined;
  const next = (): Promise<void> => new Promise((resolve) => (told = resolve));
  const first = next();
  listener.listen(() => {
    heard++;
    told();
  });
  await first;
  for (let round = 1; round <= 3; round++) {
    const back = next();
    by.proxy.cut();
    await back;
    assert.equal(heard, 2 * round, "once when it is back");
    const notified = next();
    await onServer(by.direct, `notify ${channel}`);
    await notified;
    assert.equal(heard, 2 * round + 1);
  }
});

test("a listener that has a pool between itself and the server does not rely on what it hears", async (t) => {
  const by = await way(t);
  const listening = async (): Promise<boolean> => {
    const listener = new Listener(by.url, newSchema(), { name: "the store", purpose: by.purpose, patienceMs: 60_000 });
    t.after(() => listener.close());
    await new Promise<void>((resolve) => listener.listen(() => resolve()));
    return listener.isHearing;
  };
  assert.equal(await listening(), true);
  by.proxy.pools = true;
  assert.equal(await listening(), false);
});

test("a listener notices that nothing comes through any more", async (t) => {
  const by = await way(t);
  const listener = new Listener(by.url, newSchema(), {
    name: "the store",
    purpose: by.purpose,
    patienceMs: PATIENCE_MS,
  });
  t.after(() => listener.close());
  let told: () => void = () => undefined;
  const next = (): Promise<void> => new Promise((resolve) => (told = resolve));
  const first = next();
  listener.listen(() => told());
  await first;
  const back = next();
  by.proxy.swallow();
  // It comes again, and again, until somebody is there.
  for (const before = by.proxy.arrivals; by.proxy.arrivals < before + 2;) await onServer(by.direct, "select 1");
  by.proxy.pass();
  await back;
});
