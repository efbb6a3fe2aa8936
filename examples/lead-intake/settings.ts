/** Where the systems are: addresses from the settings, and for each that is not set a stand-in on this machine. */
import { randomUUID } from "node:crypto";
import { crmAt } from "./crm-client.ts";
import { startCrm } from "./crm.ts";
import { letterPostAt } from "./letters.ts";
import { startMailSink } from "./mail-sink.ts";
import type { CrmLimits, Systems } from "./steps.ts";

/** A bit inside what the local CRM allows, which counts a call when it arrives, not when it was begun. */
const CRM_LIMITS: CrmLimits = { rate: "180/s", concurrency: 330 };

export interface Settings {
  /** Of a CRM that answers GET /companies?email=…; a local one is started if it is not set. */
  readonly crmUrl: string | undefined;
  readonly crmLimits: CrmLimits;
  /** smtp://user:password@host:port; letters are kept as files in `outbox` if it is not set. */
  readonly smtpUrl: string | undefined;
  /** The folder for the letters of the local mail sink. */
  readonly outbox: string;
}

export interface ConnectedSystems extends Systems {
  /** What is being talked to, for a person. */
  readonly places: { readonly crm: string; readonly post: string };
  /** How many calls the local CRM has refused so far; null: another one is asked. */
  crmRefusals(): number | null;
  close(): Promise<void>;
}

/** The sink takes as many as come: letters should not wait for each other where nobody limits them. */
const SINK_CONNECTIONS = 50;

export async function connectSystems(settings: Settings): Promise<ConnectedSystems> {
  const localCrm = settings.crmUrl === undefined ? await startCrm({ luck: randomUUID() }) : undefined;
  const mailSink = settings.smtpUrl === undefined ? await startMailSink(settings.outbox) : undefined;
  const post = mailSink === undefined ? letterPostAt(settings.smtpUrl!) : letterPostAt(mailSink.url, SINK_CONNECTIONS);
  return {
    crm: crmAt(settings.crmUrl ?? localCrm!.url),
    crmLimits: settings.crmLimits,
    post,
    places: {
      crm: localCrm === undefined ? withoutPassword(settings.crmUrl!) : `a local one at ${localCrm.url}`,
      post: mailSink === undefined ? withoutPassword(settings.smtpUrl!) : `kept as files in ${mailSink.folder}`,
    },
    crmRefusals: () => localCrm?.refusedCalls ?? null,
    async close() {
      post.close();
      await Promise.all([localCrm?.close(), mailSink?.close()]);
    },
  };
}

/** CRM_RATE, such as "10/s", and CRM_CONCURRENCY: what a CRM allows is in its manual. */
export function crmLimitsIn(env: NodeJS.ProcessEnv): CrmLimits {
  const { CRM_RATE: rate = CRM_LIMITS.rate, CRM_CONCURRENCY: concurrency = CRM_LIMITS.concurrency } = env;
  return { rate, concurrency: Number(concurrency) };
}

/** Systems that are connected when the first step needs one of them. */
export function onFirstUse(connect: () => Promise<Systems>, crmLimits: CrmLimits): Systems {
  let connecting: Promise<Systems> | undefined;
  const connected = () => (connecting ??= connect());
  return {
    crm: {
      lookup: async (...question) => (await connected()).crm.lookup(...question),
      fileDeal: async (...deal) => (await connected()).crm.fileDeal(...deal),
    },
    crmLimits,
    post: { send: async (...letter) => (await connected()).post.send(...letter) },
  };
}

function withoutPassword(url: string): string {
  const shown = new URL(url);
  shown.password = "";
  return shown.href;
}
