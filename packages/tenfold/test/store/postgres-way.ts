/** A way to the tests' Postgres that can be cut, and goes past what names this test's sessions. */
import type { TestContext } from "node:test";
import { newSchema, postgresServer } from "./postgres-server.ts";
import { TcpProxy } from "./tcp-proxy.ts";

export interface Way {
  readonly proxy: TcpProxy;
  /** Past the proxy. */
  readonly direct: string;
  /** By the proxy. */
  readonly url: string;
  /** Names this test's sessions among all. */
  readonly purpose: string;
}

export async function way(t: TestContext): Promise<Way> {
  const { url, port } = await postgresServer();
  const proxy = await TcpProxy.to(t, port);
  return { proxy, direct: url, url: proxy.url(url), purpose: newSchema() };
}
