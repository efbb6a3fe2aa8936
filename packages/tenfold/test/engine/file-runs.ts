/** Runs of one step that writes files, and what their store is asked about files. */
import type { StepContext } from "../../src/index.ts";
import type { Files } from "../../src/store/files.ts";
import { stepOf, withVerbs, workflowOf, type World } from "./world.ts";

type Body = (input: any, ctx: StepContext) => unknown;

/** A workflow of one step that runs `body`. */
export function flowOf(body: Body, options: object = {}) {
  return workflowOf("w", (input) => stepOf("render", body, { retry: { attempts: 1 }, ...options })(input));
}

/** Runs the workflow to its end; answers its run's id. */
export async function ran(world: World, flow: any, input: unknown = 1, settings = {}, store = world.store as any) {
  const opened = await world.open([flow], settings, store);
  const { id } = await world.happens(opened.tenfold.start(flow, input as never));
  await world.until("it ends", () => ["completed", "failed"].includes(world.record(id).status));
  return { ...opened, id };
}

export const numbered = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 8)) % 256);

/** The world's store, with some verbs of its files replaced. */
export function watched(world: World, verbs: Partial<Files>) {
  const files = new Proxy(world.store.files as Files, {
    get(target, name) {
      const verb: unknown = verbs[name as keyof Files] ?? Reflect.get(target, name, target);
      return typeof verb === "function" ? (verb.bind(target) as unknown) : verb;
    },
  });
  return withVerbs(world.store, { files: files as never });
}
