/**
 * Opens a store that is spread over a list of servers, or makes it.
 * Invariants: servers of two stores are never mixed; a lane is made once, while the store is made, for which every
 * server has to be there; a store that exists is opened with those servers that are reached.
 */
import { TenfoldError } from "../../value/error.ts";
import { Place, type PlaceOptions, type Survey } from "./place.ts";
import { foreignServer, PostgresServers } from "./servers.ts";
import { NAME_STORE, newName } from "./share.ts";

export interface ServersOptions extends PlaceOptions {
  /** Lanes of a store that is made now, default one a server; one that exists keeps its own. */
  readonly lanes?: number;
}

export const MARK_PLACED = "insert into tenfold.meta (name, value) values ('placed', 1) on conflict (name) do nothing";

interface Seen {
  readonly place: Place;
  /** Null: there is no store yet. */
  readonly survey: Survey | null;
}

export async function openServers(urls: readonly string[], options: ServersOptions = {}): Promise<PostgresServers> {
  const { lanes, ...rest } = options;
  const places = urls.map((url) => new Place(url, rest));
  try {
    return await openPlaces(places, lanes ?? places.length);
  } catch (thrown) {
    await Promise.all(places.map((place) => place.close()));
    throw thrown;
  }
}

async function openPlaces(places: readonly Place[], lanes: number): Promise<PostgresServers> {
  const away = new Map<Place, TenfoldError>();
  const seen: Seen[] = [];
  await Promise.all(
    places.map(async (place) => {
      try {
        seen.push({ place, survey: await place.survey() });
      } catch (thrown) {
        if (!(thrown instanceof TenfoldError) || thrown.code !== "STORE_UNREACHABLE") throw thrown;
        away.set(place, thrown);
      }
    }),
  );
  const known = seen.flatMap(({ place, survey }) => (survey === null ? [] : [{ place, survey }]));
  const first = wholeOf(known);
  const whole = { store: first?.store || newName(), lanes: first?.lanes ?? lanes };
  const held = new Set(known.flatMap(({ survey }) => survey.held));
  const isPlaced = known.some(({ survey }) => survey.isPlaced) || held.size === whole.lanes;
  if (away.size > 0 && (away.size === places.length || !isPlaced)) throw notAllThere([...away], places.length);
  const isNew = first === undefined || first.store === 0;
  // A store on one server becomes one on several.
  if (first?.store === 0) await known[0]!.place.connection.rows(NAME_STORE, whole.store, newName());
  const servers = new PostgresServers(whole, places);
  // One after the other, in the list's order: of two that make the same store at once, the second finds the first's.
  for (const place of places) {
    const error = away.get(place);
    const own = isPlaced ? [] : lanesOf(places.indexOf(place), places.length, whole.lanes).filter((n) => !held.has(n));
    if (error !== undefined) servers.leave(place, error);
    else if (await isOthers(servers, place, own, isNew)) return openPlaces(places, lanes);
  }
  const open = places.filter((place) => place.away === null);
  await Promise.all(open.map((place) => place.connection.rows(MARK_PLACED)));
  await servers.readMap();
  return servers;
}

/** Opens a server's part; true: somebody else has made the store meanwhile. */
async function isOthers(
  servers: PostgresServers,
  place: Place,
  held: readonly number[],
  isNew: boolean,
): Promise<boolean> {
  try {
    await servers.admit(place, held);
    return false;
  } catch (thrown) {
    if (isNew && thrown instanceof TenfoldError && thrown.code === "STORE_MIXED") return true;
    throw thrown;
  }
}

/** Lanes go to the servers in turn. */
function lanesOf(nth: number, servers: number, lanes: number): number[] {
  return Array.from({ length: lanes }, (_, lane) => lane).filter((lane) => lane % servers === nth);
}

/** What the servers say that they are parts of; undefined: there is no store yet. */
function wholeOf(known: readonly { readonly place: Place; readonly survey: Survey }[]): Survey | undefined {
  const servers = new Map<number, Place>();
  const lanes = new Map<number, Place>();
  for (const { place, survey } of known) {
    const twin = survey.server === 0 ? undefined : servers.get(survey.server);
    if (twin !== undefined) throw sameServer(twin.name, place.name);
    servers.set(survey.server, place);
    const isOne = survey.store === known[0]!.survey.store && survey.lanes === known[0]!.survey.lanes;
    if (!isOne || (survey.store === 0 && known.length > 1)) throw foreignServer(place.name);
    for (const lane of survey.held) {
      const other = lanes.get(lane);
      if (other !== undefined) throw sameServer(other.name, place.name);
      lanes.set(lane, place);
    }
  }
  return known[0]?.survey;
}

function sameServer(one: string, other: string): TenfoldError {
  return new TenfoldError(
    "STORE_MIXED",
    `The servers ${one} and ${other} hold the same lanes: they are one database by two names, or one is a copy of the ` +
      `other; nothing was opened. Name each database once.`,
    { facts: { servers: [one, other] } },
  );
}

function notAllThere(away: readonly (readonly [Place, TenfoldError])[], servers: number): TenfoldError {
  const names = away.map(([{ name }]) => name);
  const way =
    names.length === servers
      ? "Check that they run, and that this machine gets to them"
      : "A store is made when all of its servers are there: bring them up and open it again";
  return new TenfoldError(
    "STORE_UNREACHABLE",
    `${names.join(", ")}: not reached, and nothing was opened (${away[0]![1].message}). ${way}.`,
    { facts: { servers: names }, cause: away[0]![1] },
  );
}
