/** The commands by name; each is read from its file only when it is called, so that the others cost no time. */
import type { Command } from "./command.ts";

interface Listed {
  readonly name: string;
  readonly does: string;
  load(): Promise<Command>;
}

export const COMMANDS: readonly Listed[] = [
  {
    name: "run",
    does: "start one run, or one per row of a file, and wait for what comes out",
    load: async () => (await import("./commands/run.ts")).runCommand,
  },
  {
    name: "dev",
    does: "work what is in the store, tell what happens, reload on change",
    load: async () => (await import("./commands/dev.ts")).devCommand,
  },
  {
    name: "work",
    does: "a worker for production: works the store until SIGTERM, which drains it",
    load: async () => (await import("./commands/work.ts")).workCommand,
  },
  {
    name: "runs",
    does: "list runs, newest first, or count them",
    load: async () => (await import("./commands/runs.ts")).runsCommand,
  },
  {
    name: "show",
    does: "one run: its timeline, its input, its output or error",
    load: async () => (await import("./commands/show.ts")).showCommand,
  },
  {
    name: "why",
    does: "what a run waits for, until when, and who can change it",
    load: async () => (await import("./commands/why.ts")).whyCommand,
  },
  {
    name: "files",
    does: "list the files that a run's steps have written, or write one out",
    load: async () => (await import("./commands/files.ts")).filesCommand,
  },
  {
    name: "retry",
    does: "have failed, cancelled or held runs go on from where they stopped",
    load: async () => (await import("./commands/change.ts")).retryCommand,
  },
  {
    name: "cancel",
    does: "stop runs that are not finished",
    load: async () => (await import("./commands/change.ts")).cancelCommand,
  },
  {
    name: "signal",
    does: "send a run what it waits for",
    load: async () => (await import("./commands/signal.ts")).signalCommand,
  },
  {
    name: "approvals",
    does: "list what waits for people",
    load: async () => (await import("./commands/approve.ts")).approvalsCommand,
  },
  {
    name: "approve",
    does: "approve what a run waits for",
    load: async () => (await import("./commands/approve.ts")).approveCommand,
  },
  {
    name: "refuse",
    does: "refuse it",
    load: async () => (await import("./commands/approve.ts")).refuseCommand,
  },
  {
    name: "unsure",
    does: "list what may have happened: whether it did is for people to say",
    load: async () => (await import("./commands/unsure.ts")).unsureCommand,
  },
  {
    name: "resolve",
    does: "say whether it happened",
    load: async () => (await import("./commands/unsure.ts")).resolveCommand,
  },
  {
    name: "export",
    does: "write runs as JSON lines, into a file or a pipe",
    load: async () => (await import("./commands/export.ts")).exportCommand,
  },
  {
    name: "prune",
    does: "remove runs that ended long ago",
    load: async () => (await import("./commands/prune.ts")).pruneCommand,
  },
  {
    name: "schedules",
    does: "show schedules with their next times, or start what a range of time lacks",
    load: async () => (await import("./commands/schedules.ts")).schedulesCommand,
  },
  {
    name: "emit",
    does: "emit an event, or one per row of a file",
    load: async () => (await import("./commands/emit.ts")).emitCommand,
  },
  {
    name: "events",
    does: "show which events start what, and what waits or was refused",
    load: async () => (await import("./commands/events.ts")).eventsCommand,
  },
  {
    name: "queues",
    does: "show who waits in queues and what holds them up; pause them, set their limits",
    load: async () => (await import("./commands/queues.ts")).queuesCommand,
  },
  {
    name: "lanes",
    does: "show which server holds which lane, and move one to another server",
    load: async () => (await import("./commands/lanes.ts")).lanesCommand,
  },
  {
    name: "graph",
    does: "draw a workflow, as text or for Mermaid",
    load: async () => (await import("./commands/graph.ts")).graphCommand,
  },
  {
    name: "check",
    does: "find what is wrong with workflows before they run",
    load: async () => (await import("./commands/check.ts")).checkCommand,
  },
  {
    name: "plan",
    does: "what a deploy of this code changes, and means for runs in flight",
    load: async () => (await import("./commands/plan.ts")).planCommand,
  },
  {
    name: "upgrade",
    does: "have runs go on with this code's graph of their workflow",
    load: async () => (await import("./commands/upgrade.ts")).upgradeCommand,
  },
  {
    name: "migrate",
    does: "make the tables of a store on Postgres, or bring them up to date",
    load: async () => (await import("./commands/migrate.ts")).migrateCommand,
  },
  {
    name: "move",
    does: "carry a store with all its runs from a file to Postgres, or back",
    load: async () => (await import("./commands/move.ts")).moveCommand,
  },
];
