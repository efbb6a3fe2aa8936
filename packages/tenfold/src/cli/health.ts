/**
 * Answers what an orchestrator asks a worker: `/live`, whether its event loop turns (it answers at all), and `/ready`,
 * whether it takes and does work now; 503 with the reason where it does not.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { usageError } from "./command.ts";

export interface Health {
  readonly host: string;
  readonly port: number;
  close(): void;
}

/** `reason`: why it is not ready, or null. Port 0 is any that is free. */
export async function serveHealth(host: string, port: number, reason: () => string | null): Promise<Health> {
  const server = createServer((request, response) => answer(request, response, reason));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(notServed(host, port, error)));
    server.listen(port, host, resolve);
  });
  return {
    host,
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer({ method, url = "" }: IncomingMessage, response: ServerResponse, reason: () => string | null): void {
  const say = (status: number, text: string): void => {
    response.writeHead(status, { "content-type": "text/plain", "cache-control": "no-store" });
    response.end(method === "HEAD" ? undefined : `${text}\n`);
  };
  if (method !== "GET" && method !== "HEAD") return say(405, "Only GET and HEAD are answered.");
  const path = url.split("?")[0];
  if (path === "/live") return say(200, "live");
  if (path !== "/ready") return say(404, "There are /live and /ready.");
  const why = reason();
  say(why === null ? 200 : 503, why ?? "ready");
}

function notServed(host: string, port: number, error: NodeJS.ErrnoException): Error {
  const says: Readonly<Record<string, string>> = {
    EADDRINUSE: "another program listens there. Name another port",
    EACCES: "this user may not listen there. Name a port from 1024",
    EADDRNOTAVAIL: "this machine has no such address. Name one of its own with `--host`, 0.0.0.0 for all of them",
    ENOTFOUND: "there is no such host. Name an address of this machine with `--host`",
  };
  return usageError(
    `\`--health ${port}\` cannot be served on ${host}: ${says[error.code ?? ""] ?? error.message}. Nothing was worked.`,
    { host, port, code: error.code },
  );
}
