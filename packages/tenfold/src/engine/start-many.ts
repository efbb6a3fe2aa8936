/** Many starts in few commits: inputs are made ready one by one, sent by lane, and answered in their order. */
import type { WorkflowDefinition } from "../flow/definition.ts";
import type { RunStart, StartAnswer } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import { full } from "./queues/start-room.ts";
import { isUnreached } from "./passing.ts";
import type { Engine } from "./engine.ts";
import { isMissing } from "./listing.ts";
import { prepareStart, refusalOf, type PreparedStart, type StartManyOptions } from "./start.ts";

/** Runs that are prepared before they are sent: one commit. */
const START_MANY = 2000;

/** What became of a start: the run that is there now. */
export type Started = { readonly kind: "started" | "existing"; readonly run: string };

/** An answer per input, in order; an error is of that input alone. */
export async function* startMany(
  engine: Engine,
  definition: WorkflowDefinition,
  inputs: Iterable<unknown> | AsyncIterable<unknown>,
  options: StartManyOptions,
): AsyncGenerator<Started | TenfoldError> {
  let chunk: (PreparedStart | TenfoldError)[] = [];
  for await (const input of inputs) {
    chunk.push(await prepared(engine, definition, input, options));
    if (chunk.length < START_MANY) continue;
    yield* startInRoom(engine, definition, chunk);
    chunk = [];
  }
  yield* startInRoom(engine, definition, chunk);
}

/** As many at once as there is room for; where there is none, the rest waits, or is refused. */
async function* startInRoom(
  engine: Engine,
  definition: WorkflowDefinition,
  chunk: readonly (PreparedStart | TenfoldError)[],
): AsyncGenerator<Started | TenfoldError> {
  if ((definition.queue?.backlog ?? null) === null) return yield* await startChunk(engine, chunk);
  let rest = chunk;
  while (rest.length > 0) {
    const wanted = rest.filter(needsRoom).length;
    const room = wanted === 0 ? 0 : await engine.startRoom.take(definition, wanted, Infinity);
    if (wanted > 0 && room === 0) rest = rest.map((item) => (needsRoom(item) ? full(definition, 0) : item));
    let taken = 0;
    const end = rest.findIndex((item) => needsRoom(item) && ++taken > room);
    const now = end < 0 ? rest : rest.slice(0, end);
    rest = rest.slice(now.length);
    yield* await startChunk(engine, now).finally(() => engine.startRoom.sent(definition, room));
  }
}

/** One that was refused needs none, and one that is for later not yet. */
function needsRoom(item: PreparedStart | TenfoldError): boolean {
  return !(item instanceof TenfoldError) && item.start.at === null;
}

async function prepared(
  { starts }: Engine,
  definition: WorkflowDefinition,
  input: unknown,
  options: StartManyOptions,
): Promise<PreparedStart | TenfoldError> {
  try {
    return await prepareStart(definition, input, options, starts.facts);
  } catch (thrown) {
    if (thrown instanceof TenfoldError) return thrown;
    throw thrown;
  }
}

async function startChunk(
  { store, starts }: Engine,
  chunk: readonly (PreparedStart | TenfoldError)[],
): Promise<(Started | TenfoldError)[]> {
  const ready = chunk.filter((item) => !(item instanceof TenfoldError)) as PreparedStart[];
  const answers = new Map<string, StartAnswer | TenfoldError>();
  const inLane = async (lane: number, inIt: readonly PreparedStart[]): Promise<void> => {
    const sent = starts.add(
      lane,
      inIt.map(({ start }) => start),
    );
    const answered = await sent.catch((thrown: unknown) => {
      if (isUnreached(thrown) && isMissing(store, lane)) return inIt.map(() => thrown as TenfoldError);
      throw thrown;
    });
    inIt.forEach(({ start }, index) => answers.set(start.id, answered[index]!));
  };
  await Promise.all([...Map.groupBy(ready, ({ lane }) => lane)].map(([lane, inIt]) => inLane(lane, inIt)));
  return chunk.map((item) => {
    if (item instanceof TenfoldError) return item;
    const answer = answers.get(item.start.id)!;
    return answer instanceof TenfoldError ? answer : startedOf(item.start, answer);
  });
}

/** The run that a start came to, or why there is none. */
export function startedOf(start: RunStart, answer: StartAnswer): Started | TenfoldError {
  if (answer.kind === "started") return { kind: "started", run: start.id };
  if (answer.kind === "existing") return { kind: "existing", run: answer.run };
  return refusalOf(start, answer);
}
