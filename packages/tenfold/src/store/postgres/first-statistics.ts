/**
 * What a new store tells the planner of its tables, before anything is in them.
 * A server that knows nothing of a column takes it for one of two hundred values, and looks at a table again a minute
 * after it has grown: until then a commit of a few hundred runs among a million reads the rows of all. So a table that
 * is looked into by run is analyzed while some rows are in it, which are gone before anybody sees them.
 * Invariants: only of the columns that tell runs apart, since of the others nothing is known before there are runs;
 * the table's size is unknown again afterwards, since the plans that are kept of one known to be empty read all of it.
 */

interface Sampled {
  readonly table: string;
  /** Its columns that are different from run to run; the first row of each run is all that is made. */
  readonly names: readonly string[];
  /** The others that may not be null, and a value of each. */
  readonly rest: Readonly<Record<string, string>>;
}

const SAMPLED: readonly Sampled[] = [
  {
    table: "runs",
    names: ["id"],
    rest: {
      workflow: "''",
      status: "0",
      mail: "0",
      deaths: "0",
      tenant: "''",
      generation: "0",
      graph: "''",
      input: "''",
    },
  },
  { table: "journal", names: ["run"], rest: { seq: "0", kind: "''", node: "''", data: "''", at: "0" } },
  { table: "inbox", names: ["run", "key"], rest: { ordinal: "0", body: "''", at: "0" } },
  {
    table: "keys",
    names: ["run", "key"],
    rest: { workflow: "''", tenant: "''", generation: "0", input_hash: "''" },
  },
  { table: "attributes", names: ["run"], rest: { name: "''", value: "''" } },
  { table: "outbox", names: ["run", "key"], rest: { send: "''" } },
  { table: "received", names: ["run", "key"], rest: { at: "0" } },
  { table: "files", names: ["run"], rest: { file: "''", node: "''", about: "''", parts: "0", state: "0" } },
  { table: "file_parts", names: ["run"], rest: { file: "''", seq: "0", bytes: "''" } },
  { table: "events", names: ["id"], rest: { event: "''", tenant: "''", emission: "''", at: "0" } },
  {
    table: "deliveries",
    names: ["id"],
    rest: { event: "''", tenant: "''", workflow: "''", emitted_at: "0" },
  },
  { table: "tx_results", names: ["run", "key"], rest: { attempt: "0", at: "0" } },
  {
    table: "tasks",
    names: ["run"],
    rest: { queue: "''", key: "''", rank: "0", node: "''", cost: "0", weight: "0", is_new: "false" },
  },
];

/** Rows of a sample, so that each lane has two at least. */
function rowsOf(lanes: number): number {
  return 100 + 2 * lanes;
}

/**
 * The statements, of the transaction that makes the tables. A table that was made within the same savepoint would be
 * emptied in place by `truncate`, and its size remembered.
 */
export function firstStatistics(lanes: number): readonly string[] {
  return SAMPLED.flatMap(({ table, names, rest }) => {
    const columns = ["lane", ...names, ...Object.keys(rest)];
    const values = [`n % ${lanes}`, ...names.map(() => "'sample ' || n"), ...Object.values(rest)];
    return [
      `insert into tenfold.${table} (${columns.join(", ")})
  select ${values.join(", ")} from generate_series(1, ${rowsOf(lanes)}) as n`,
      `analyze tenfold.${table} (lane, ${names.join(", ")})`,
      "savepoint tenfold_sampled",
      `truncate tenfold.${table}`,
      "release savepoint tenfold_sampled",
    ];
  });
}
