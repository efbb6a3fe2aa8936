/** Ports of this machine on which nobody listens. */
import { createServer } from "node:net";

export const LOOPBACK = "127.0.0.1";

/** `port` if nobody listens there, or any that is free for 0. */
export async function freePort(port: number): Promise<number | undefined> {
  const probe = createServer();
  const isFree = await new Promise<boolean>((resolve) => {
    probe.once("error", () => resolve(false));
    probe.listen(port, LOOPBACK, () => resolve(true));
  });
  if (!isFree) return undefined;
  const found = (probe.address() as { readonly port: number }).port;
  await new Promise((resolve) => probe.close(resolve));
  return found;
}
