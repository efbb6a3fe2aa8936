/** Fetches the mail of a run that may not leave before it is absorbed. */
import type { Lease, Mail, Store } from "../store/store.ts";
import type { LiveRun } from "./live-run.ts";
import type { Ports } from "./ports.ts";

const AGAIN_MS = 20;

/** Whoever drives the run. */
export interface MailHost {
  readonly store: Store;
  readonly lease: Lease;
  readonly ports: Ports;
}

/** Asks until it is answered, or the run is gone. */
export async function fetchMail(run: LiveRun, host: MailHost, receive: (mail: Mail) => void): Promise<void> {
  const { store, lease, ports } = host;
  const [fresh] = await store.load(lease, [run.id]).catch(() => []);
  if (run.isGone) return;
  if (fresh !== undefined) return receive(fresh.mail);
  ports.clock.at(ports.clock.now() + AGAIN_MS, () => void fetchMail(run, host, receive));
}
