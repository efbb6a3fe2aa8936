/** Many starts in few commits: inputs are made ready one by one, sent by lane, and answered in their order. */
import type { WorkflowDefinition } from "../flow/definition.ts";
import type { RunStart, StartAnswer } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import { full } from "./queues/start-room.ts";
import { isUnreached } from "./passing.ts";
import type { Engine } from "./engine.ts";
import { isMissing } from "./listing.ts";
import { replaceRuns, type Replaced, type WaitForEnd } from "./replacing.ts";
import type { StartKind } from "./run-handle.ts";
import { prepareStart, refusalOf, type IfRunning, type PreparedStart, type StartManyOptions } from "./start.ts";

/** Runs that are prepared before they are sent: one commit. */
const START_MANY = 2000;

/** What becomes of a start while another run of its key is not finished. */
interface Conflicts {
  readonly ifRunning: IfRunning | undefined;
  readonly waitForEnd: WaitForEnd;
}

/** What became of a start: the run that is there now. */
export type Started = { readonly kind: StartKind; readonly run: string };

/** An answer per input, in order; an error is of that input alone. */
export async function* startMany(
  engine: Engine,
  definition: WorkflowDefinition,
  inputs: Iterable<unknown> | AsyncIterable<unknown>,
  options: StartManyOptions,
  waitForEnd: WaitForEnd,
): AsyncGenerator<Started | TenfoldError> {
  const conflicts = { ifRunning: options.ifRunning, waitForEnd };
  let chunk: (PreparedStart | TenfoldError)[] = [];
  for await (const input of inputs) {
    chunk.push(await prepared(engine, definition, input, options));
    if (chunk.length < START_MANY) continue;
    yield* startInRoom(engine, definition, chunk, conflicts);
    chunk = [];
  }
  yield* startInRoom(engine, definition, chunk, conflicts);
}

/** As many at once as there is room for; where there is none, the rest waits, or is refused. */
async function* startInRoom(
  engine: Engine,
  definition: WorkflowDefinition,
  chunk: readonly (PreparedStart | TenfoldError)[],
  conflicts: Conflicts,
): AsyncGenerator<Started | TenfoldError> {
  if ((definition.queue?.backlog ?? null) === null) return yield* await startChunk(engine, chunk, conflicts);
  let rest = chunk;
  while (rest.length > 0) {
    const wanted = rest.filter(needsRoom).length;
    const room = wanted === 0 ? 0 : await engine.startRoom.take(definition, wanted, Infinity);
    if (wanted > 0 && room === 0) rest = rest.map((item) => (needsRoom(item) ? full(definition, 0) : item));
    let taken = 0;
    const end = rest.findIndex((item) => needsRoom(item) && ++taken > room);
    const now = end < 0 ? rest : rest.slice(0, end);
    rest = rest.slice(now.length);
    yield* await startChunk(engine, now, conflicts).finally(() => engine.startRoom.sent(definition, room));
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

/** Of inputs that share a key with "replace" each waits for the end of the one before. */
async function startChunk(
  engine: Engine,
  chunk: readonly (PreparedStart | TenfoldError)[],
  { ifRunning, waitForEnd }: Conflicts,
): Promise<(Started | TenfoldError)[]> {
  const answers = new Map<string, StartAnswer | TenfoldError>();
  let ready = chunk.filter((item) => !(item instanceof TenfoldError)) as readonly PreparedStart[];
  while (ready.length > 0) {
    await startInLanes(engine, ready, answers);
    if (ifRunning !== "replace") break;
    const inTheWay = new Map<string, Replaced>();
    ready = ready.filter(({ start: { id } }) => {
      const answer = answers.get(id)!;
      if (answer instanceof TenfoldError || !("run" in answer)) return false;
      const { kind, run } = answer;
      if (kind === "conflict" && !inTheWay.has(run)) inTheWay.set(run, { run, by: id });
      // One that has the input of a run which an earlier one of these replaces comes after that.
      return inTheWay.has(run);
    });
    if (ready.length > 0) await replaceRuns(engine, [...inTheWay.values()], waitForEnd);
  }
  return chunk.map((item) => {
    if (item instanceof TenfoldError) return item;
    const answer = answers.get(item.start.id)!;
    return answer instanceof TenfoldError ? answer : startedOf(item.start, answer, ifRunning);
  });
}

/** Puts what each start is answered into `answers`, by its id. */
async function startInLanes(
  { store, starts }: Engine,
  ready: readonly PreparedStart[],
  answers: Map<string, StartAnswer | TenfoldError>,
): Promise<void> {
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
}

/** The run that a start came to, or why there is none. */
export function startedOf(start: RunStart, answer: StartAnswer, ifRunning?: IfRunning): Started | TenfoldError {
  if (answer.kind === "started") return { kind: "started", run: start.id };
  if (answer.kind === "existing") return { kind: "existing", run: answer.run };
  if (answer.kind === "locked" || ifRunning === undefined) return refusalOf(start, answer);
  return { kind: ifRunning === "skip" ? "skipped" : "existing", run: answer.run };
}
