/** What a play of the fleet came to, in words. */
import { fencesOf, callsOf, livesOf, type Evidence } from "./evidence.ts";
import type { Blows } from "./fleet.ts";

export function summaryOf(evidence: Evidence, blows: Blows): string {
  const { marks, runs } = evidence;
  const fences = fencesOf(evidence);
  const calls = [...callsOf(evidence).values()];
  const late = calls.filter((call) => fences(call.life, call.at, call.at)).length;
  const lives = livesOf(evidence);
  const lifeOf = new Map(marks.flatMap((mark) => (mark.kind === "joined" ? [[mark.owner, mark.life]] : [])));
  const tookFrom = marks.flatMap((mark) => (mark.kind === "took" ? [lives.get(lifeOf.get(mark.owner) ?? -1)] : []));
  const rejoined = marks.filter(({ kind }) => kind === "joined").length - new Set(lifeOf.values()).size;
  return (
    `${blows.kills} kills, ${blows.restarts} restarts of the server, ${blows.stops} stops past a lease; ` +
    `${tookFrom.length} takeovers, ${rejoined} leases lost by workers that lived; ` +
    `${runs.length} runs, ${calls.length} calls of bodies, ${late} of them by a worker that did not know yet that it was fenced`
  );
}
