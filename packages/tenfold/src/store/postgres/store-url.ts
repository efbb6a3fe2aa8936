/**
 * The URL of a store on Postgres: what of it is tenfold's own, what the driver takes, and what a person may see of it.
 * Invariant: no message has a part of a password in it, however the URL is mistyped.
 */
import { TenfoldError } from "../../value/error.ts";
import { wayToName } from "../../value/nearest.ts";

export interface StoreUrl {
  /** As the driver takes it. */
  readonly url: string;
  /** As a person would name the store: without its password. */
  readonly name: string;
  readonly schema: string;
  readonly listens: boolean;
  /** Bodies that write at once. */
  readonly txMax: number;
}

/** What a URL may ask of tenfold, beside what it asks of the driver. */
const SCHEMA = "tenfold_schema";
const LISTEN = "tenfold_listen";
const TX = "tenfold_tx";
const OWN: readonly string[] = [SCHEMA, LISTEN, TX];

/** Bodies that write at once, unless told otherwise. */
export const TX_MAX = 10;

export const DEFAULT_SCHEMA = "tenfold";

/** Reads `text`; what is given in `options` counts, whatever the URL says. */
export function readStoreUrl(
  text: string,
  options: { readonly schema?: string; readonly listens?: boolean } = {},
): StoreUrl {
  const url = parse(text);
  const { protocol, username, host, pathname, searchParams } = url;
  for (const name of searchParams.keys()) {
    if (!name.startsWith("tenfold_") || OWN.includes(name)) continue;
    throw refusal(`has no parameter \`${name}\``, wayToName(name, OWN, "There are"));
  }
  const schema = options.schema ?? searchParams.get(SCHEMA) ?? DEFAULT_SCHEMA;
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema) || schema.startsWith("pg_")) {
    throw refusal(
      `names the schema ${JSON.stringify(schema)}`,
      "Write small letters, digits and underscores, 63 at most, and neither a digit nor `pg_` first.",
    );
  }
  const listen = searchParams.get(LISTEN) ?? "on";
  if (listen !== "on" && listen !== "off") {
    throw refusal(`says \`${LISTEN}=${listen}\``, `Write \`${LISTEN}=off\`, or leave it out.`);
  }
  const tx = searchParams.get(TX) ?? String(TX_MAX);
  if (!/^[1-9]\d{0,3}$/.test(tx)) {
    throw refusal(`says \`${TX}=${tx}\``, "Write how many steps with `tx` may write at once, from 1 to 9999.");
  }
  const own = schema === DEFAULT_SCHEMA ? "" : `?${SCHEMA}=${schema}`;
  const name = `${protocol}//${username === "" ? "" : `${username}@`}${host}${pathname}${own}`;
  const isPlain = !OWN.some((parameter) => searchParams.has(parameter));
  for (const parameter of OWN) searchParams.delete(parameter);
  const listens = options.listens ?? listen === "on";
  return { url: isPlain ? text : url.href, name, schema, listens, txMax: Number(tx) };
}

/** An `@` or `#` behind the host is one of a password that was not escaped, so that what looks like a host is none. */
function parse(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isOurs = url !== null && /^postgres(?:ql)?:$/.test(url.protocol);
  const isWhole = isOurs && url.hash === "" && !`${url.pathname}${url.search}`.includes("@");
  if (isWhole && !url.host.includes(",")) return url;
  throw new TenfoldError(
    "STORE_UNKNOWN",
    "The store's URL cannot be read as one of a Postgres database; nothing was opened. Write it as " +
      "`postgres://user:password@host:5432/database`, with one host, and with `@ : / ? #` in a password as " +
      "%40 %3A %2F %3F %23.",
  );
}

function refusal(what: string, way: string): TenfoldError {
  return new TenfoldError("OPTION_UNSUPPORTED", `The store's URL ${what}; nothing was opened. ${way}`);
}
