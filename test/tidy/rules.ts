/** The shape rules as data. Each has a remedy, so that whoever breaks one knows what to do instead. */

/**
 * Who may import whom, by area: a folder below `src`, or a folder beside it. After the design's own table, with what the code
 * came to need:
 * - `durable` builds on the event log, because a finished step and the event it causes commit together;
 * - `workflows` builds on `durable`, and on `effects`, because a step is an effect;
 * - `stock` and `eventlog` know the ports: stock is written as a capability, the translator and the backstop call connectors;
 * - `stock` subscribes to the event log, because it books the counts other systems report;
 * - `rules` knows the types of the ports, because routing answers what the books and the warehouses are asked for.
 * Tests may import what they test and everything under `test`. A connector sees only its own folder among connectors.
 */
export const importTable: Readonly<Record<string, readonly string[]>> = {
  base: [],
  canonical: ["base"],
  rules: ["base", "canonical", "ports"],
  governance: ["base", "canonical"],
  ports: ["base", "canonical"],
  eventlog: ["base", "canonical", "ports"],
  stock: ["base", "canonical", "ports", "eventlog"],
  // The account of each order; `rules` says what a workflow asks of it.
  orders: ["base", "canonical", "rules", "ports", "eventlog"],
  // Products, prices and promotions, judged by rules and by their owners.
  catalogue: ["base", "canonical", "rules", "governance", "eventlog"],
  // Receipts of tills and the days of stores: what they move in the books is a rule.
  sales: ["base", "canonical", "rules", "eventlog"],
  effects: ["base", "canonical", "ports"],
  // Protocols that several vendors share; only connectors speak them.
  protocols: ["base", "canonical", "ports"],
  connectors: ["base", "canonical", "ports", "protocols"],
  publishing: ["base", "canonical", "rules", "governance", "ports", "effects", "eventlog", "stock", "catalogue"],
  // Events sent to other teams' systems, signed by the protocol that our own webhooks come in by.
  outgoing: ["base", "canonical", "governance", "protocols", "eventlog"],
  durable: ["base", "canonical", "ports", "effects", "eventlog"],
  workflows: [
    "base",
    "canonical",
    "rules",
    "governance",
    "ports",
    "effects",
    "eventlog",
    "durable",
    "stock",
    "publishing",
  ],
  // Promises and alerts are judged by rules, and sent by the protocol that our own webhooks come in by.
  operations: ["base", "canonical", "rules", "ports", "protocols", "eventlog"],
  gateway: ["base", "canonical", "eventlog", "stock", "operations", "governance", "ports"],
  // Which price holds is the same rule at a store as at the centre.
  edge: ["base", "canonical", "rules", "eventlog"],
  engines: ["base"],
  // What `crossdock.config.ts` is made of: the shape of an estate, checked as a whole.
  // The policies of an estate are what its areas take; only their types and schemas are looked at.
  estate: ["base", "canonical", "governance", "ports", "areas"],
  // Starts the process and the engines; everything else goes over HTTP.
  // The agent of a store is a program of its own, which the command starts.
  cli: ["base", "engines", "edge", "main", "estate"],
  console: [],
  lab: [],
  // Measure and break from outside; what they put beside a floor inside the process is named here.
  bench: ["base", "canonical", "engines", "estate", "eventlog", "stock", "cli", "lab", "demo", "test"],
  // Proves with the rules of tie-out what reconciliation proves in production.
  chaos: ["base", "canonical", "rules", "engines", "estate", "cli", "lab", "demo", "test"],
  // Sends odd input by every door: over HTTP, and to the readers of other systems.
  fuzz: ["base", "canonical", "ports", "eventlog", "engines", "wiring", "lab", "demo", "test"],
}

/** Areas that put everything together, or look at everything from outside. */
export const rootAreas: readonly string[] = ["main", "wiring", "areas", "demo", "test", "docs", "bin", "settings"]

/** Areas below `src`; what starts there never imports the lab. */
export const outsideAreas: readonly string[] = ["lab", "test", "bench", "chaos", "fuzz", "demo", "console", "docs"]

export interface Ban {
  name: string
  pattern: RegExp
  /** Where it counts. */
  areas: "src" | "src and lab"
  /** Files it lives in. */
  homes: readonly string[]
  remedy: string
}

export const bans: readonly Ban[] = [
  {
    name: "process.env",
    pattern: /\bprocess\.env\b/,
    areas: "src and lab",
    homes: ["src/base/config.ts", "lab/settings.ts"],
    remedy: "name the setting in src/base/config.ts and read it with `setting()` (in the lab: lab/settings.ts)",
  },
  {
    name: "wall clock",
    pattern: /\bDate\.now\b|\bnew Date\b|\bDate\(/,
    areas: "src",
    homes: ["src/base/time.ts"],
    // Formatting a given value by `new Date(x)` counts too: `instant`, `parseInstant` and `businessDate` say what is meant.
    remedy: "take a Clock, or use `instant`, `parseInstant`, `epochMs`, `businessDate` of src/base/time.ts",
  },
  {
    name: "day of a moment",
    pattern: /(?:\bat|At|ISOString\(\))\.slice\(0, 10\)/,
    areas: "src",
    homes: ["src/base/time.ts"],
    remedy: "use `businessDate` of src/base/time.ts: the day of a moment is another one elsewhere",
  },
  {
    name: "parseFloat",
    pattern: /\bparseFloat\b/,
    areas: "src",
    homes: [],
    remedy: "read amounts as text with `moneyFromDecimal` or `quantityFromDecimal`",
  },
  {
    name: "console",
    pattern: /\bconsole\.\w+/,
    areas: "src",
    homes: ["src/cli/"],
    remedy: "use the log that is handed in (src/base/log.ts); only src/cli writes to the terminal",
  },
  {
    name: "fetch",
    // A parameter that happens to be called so takes no argument.
    pattern: /(?<![.#\w])fetch\((?!\))/,
    areas: "src",
    homes: ["src/base/http.ts"],
    remedy: "use `createHttpClient` of src/base/http.ts, which tells `unavailable` from `uncertain`",
  },
  {
    name: "sql.unsafe",
    pattern: /\.unsafe\(/,
    areas: "src",
    // Numbered migrations are whole files of SQL; nothing is put into them.
    homes: ["src/engines/migrations.ts"],
    remedy: "write SQL as a tagged template, so that values are parameters",
  },
]

/** How a literal that is SQL begins. */
export const sqlStart =
  /^\s*(select\s[\s\S]*\sfrom\s|insert\s+into\s|update\s+\S+\s+(\w+\s+)?set\s|delete\s+from\s|with\s+\w+\s+as\s|truncate\s|(create|alter|drop)\s+(table|index|role|user|database|function|schema)\b|grant\s)/i

export const limits = {
  fileLines: 300,
  pageLines: 350,
  testLines: 600,
  readmeLines: 120,
  folderFiles: 12,
  typeCircles: 3,
} as const

/** Names of files in a connector's folder, beside those of capabilities and their areas. */
export const connectorFiles: readonly string[] = [
  "connector",
  "settings",
  "client",
  "payloads",
  "to-canonical",
  "from-canonical",
]

export const forbiddenNames: readonly string[] = [
  "utils",
  "util",
  "helpers",
  "helper",
  "common",
  "types",
  "impl",
  "manager",
  "index",
  "misc",
  "shared",
]

/** Where every export says what it is. */
export const documentedPlaces: readonly string[] = [
  "src/base/",
  "src/canonical/",
  "src/rules/",
  "src/ports/",
  "src/protocols/",
  "src/eventlog/event-log.ts",
  "src/durable/define-workflow.ts",
]

/** Files that nobody imports because something else starts them, or because they are there for tests. */
export const entryPoints: readonly RegExp[] = [
  /^src\/main\.ts$/,
  /^src\/cli\/main\.ts$/,
  /^bin\//,
  /^docs\/generate\.ts$/,
  /^(lab|bench|chaos|fuzz|demo|console)\/(main|run)\.tsx?$/,
  /^test\/real\/(smoke|run|catalogue)\.ts$/,
  // Programs of their own, which bench/child.ts starts by name.
  /^bench\/programs\//,
  // A process of its own, which test/half-sent-bodies.int.test.ts measures and ends.
  /^test\/fixtures\/servers\/gateway-program\.ts$/,
  // Started by the test runner before and after all engine tests.
  /^test\/fixtures\/engines-run\.ts$/,
  /\.config\.ts$/,
  // Found by the names of connectors' folders.
  /^test\/laws\/subjects\//,
  // Named by the estate of whoever has such a system; the demo has not all of them.
  /^src\/connectors\/[^/]+\/connector\.ts$/,
  // The laws every connector must keep: published for tests, used by nothing else.
  /^src\/ports\/((delivery|bulk)-)?laws\.ts$/,
]
