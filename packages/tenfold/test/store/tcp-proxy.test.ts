/** The way to a server that tests spoil keeps what every TCP connection keeps: bytes arrive in order, or not at all. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { TcpProxy } from "./tcp-proxy.ts";

test("bytes arrive in the order in which they were sent, also while the delay changes", async (t) => {
  const echo = createServer((socket) => void socket.pipe(socket));
  t.after(() => echo.close());
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  const proxy = await TcpProxy.to(t, (echo.address() as { port: number }).port);
  const { hostname, port } = new URL(proxy.url("postgres://127.0.0.1/x"));
  const client = connect(Number(port), hostname).setNoDelay(true);
  t.after(() => client.destroy());
  await once(client, "connect");
  const sent = [..."abcdefgh"];
  let came = "";
  client.on("data", (bytes: Buffer) => (came += bytes.toString()));
  for (const [nth, letter] of sent.entries()) {
    proxy.delayMs = nth % 2 === 0 ? 30 : 0;
    client.write(letter);
    await pause(10);
  }
  while (came.length < sent.length) await once(client, "data");
  assert.equal(came, sent.join(""));
});
