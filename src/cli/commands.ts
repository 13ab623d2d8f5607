import { runEffects, runExceptions } from "./operations.ts"
import { runOperations } from "./exceptions/bulk.ts"
import { runGroups } from "./exceptions/groups.ts"
import { runKpis } from "./figures/kpis.ts"
import { runWhy } from "./figures/why.ts"
import { runMappings } from "./stock/mappings.ts"
import { runChannel } from "./stock/channel.ts"
import { runFind, runObjects, runTrace } from "./objects.ts"
import { runEvents, runOrders } from "./orders/orders.ts"
import { runPeople } from "./access/people.ts"
import { runModes } from "./modes.ts"
import { runAlerts } from "./promises/alerts.ts"
import { runPickups } from "./pickups/pickups.ts"
import { runPromises } from "./promises/promises.ts"
import { runSilences } from "./promises/silences.ts"
import { runStores } from "./stores/stores.ts"
import { runReturns } from "./returns/returns.ts"
import { runStock } from "./stock/stock.ts"
import { runSubscriptions } from "./connections/subscriptions.ts"
import { runRetention } from "./retention.ts"

/** Groups of commands, in the order in which help shows them. */
export const commandGroups = {
  run: "start Crossdock and look after it",
  business: "orders and everything that follows from them",
  work: "what needs people, and who they are",
  goods: "stock, and what channels show of it",
  catalogue: "products, prices, and who owns which field",
  systems: "other systems: connections, calls, outages, subscriptions",
  watch: "figures, promises, alerts",
} as const

export interface Command {
  group: keyof typeof commandGroups
  usage: string
  summary: string
  run: (args: string[]) => Promise<number>
}

// Commands that need all of Crossdock load it when they run: half a second of CPU that the others do not wait for.
export const commands: Readonly<Record<string, Command>> = {
  start: {
    group: "run",
    usage: "start [--roles gateway,worker]",
    summary: "start engines and Crossdock with crossdock.config.ts",
    run: async (args) => (await import("./start.ts")).runStart(args),
  },
  demo: {
    group: "run",
    usage: "demo [--orders-per-second N] [--seed N] [--calm] | demo break <what> | demo mend [what]",
    summary: "start everything with the demo estate and trade; break something in the running one, and mend it",
    run: async (args) => (await import("./demo/demo.ts")).runDemo(args),
  },
  orders: {
    group: "business",
    usage: "orders [--state S] [--limit N] | orders account <order> | orders values <order> [--changed]",
    summary: "the newest orders and their states, or of one what became of its goods and money, or who set its values",
    run: runOrders,
  },
  objects: {
    group: "business",
    usage: "objects [--kind K] [--state S] [--owner O] [--place P] [--open]",
    summary: "business objects of every kind and where they stand",
    run: runObjects,
  },
  find: {
    group: "business",
    usage: "find <text>",
    summary: "objects by order number, tracking number, payment, any system's id",
    run: runFind,
  },
  trace: {
    group: "business",
    usage: "trace <ref, id or number>",
    summary: "every hop of an object, and of those linked with it, over all systems",
    run: runTrace,
  },
  events: {
    group: "business",
    usage: "events [--type T] [--follow] [--cursor C]",
    summary: "the log of business events, oldest first",
    run: runEvents,
  },
  subscriptions: {
    group: "systems",
    usage:
      "subscriptions [add <id> <url> --for TEXT [--types T,T] [--since T] | pause|resume|test|rotate|remove <id> | replay <id> --since T]",
    summary: "other teams' systems that events are sent to: how far each is, what goes wrong, and sending again",
    run: runSubscriptions,
  },
  effects: {
    group: "systems",
    usage: "effects [--outcome O] [--connection C] [--key ORDER]",
    summary: "intents to change other systems, newest first",
    run: runEffects,
  },
  connections: {
    group: "systems",
    usage: "connections [pause|resume|history <id> …]",
    summary: "connections, their breakers, pausing them, and everything that works in the background",
    run: async (args) => (await import("./connections/connections.ts")).runConnections(args),
  },
  try: {
    group: "systems",
    usage: "try <connection> [--last N | --since T]",
    summary: "check a connection, read and translate its last objects, say what would follow; writes nothing",
    run: async (args) => (await import("./connections/try.ts")).runTry(args),
  },
  stores: {
    group: "business",
    usage:
      "stores outstanding [store] | stores files [folder] | stores day <store> <date> | stores close <store> <date> | stores receipt <store> <till> <number> | stores rebuild <store> [--dry-run]",
    summary: "numbers of tills that have not come, a store's day and its closing, and where a receipt is",
    run: runStores,
  },
  edge: {
    group: "run",
    usage:
      "edge --store S --time-zone Z [--day-ends-at HH:MM --port N --data FOLDER --reserve-mb N --keep-days N --channel C --market M --snapshot-seconds N --stale-after-minutes N] | edge status | edge verify",
    summary:
      "the agent of a store: keeps its tills' receipts on the spot and sends them; how it is; walking its journal",
    run: async (args) => (await import("./stores/edge.ts")).runEdge(args),
  },
  pickups: {
    group: "business",
    usage: "pickups [<id>] [--place P] [--open] | pickups accept|pick|hand-over|reject|keep-longer|put-back <id> …",
    summary: "what stores get ready for buyers and carriers, and what they say of it",
    run: runPickups,
  },
  mappings: {
    group: "goods",
    usage: "mappings [set <channel> <article> <SKU> | remove <channel> <article>] [--reason R]",
    summary: "what articles of channels stand for, where the stock knows them by another SKU",
    run: runMappings,
  },
  channel: {
    group: "goods",
    usage: "channel [diff <channel> [--state S] [--sku SKU] [--all]]",
    summary: "what channels show, and where that is not what they should: desired, sent, observed, and why",
    run: runChannel,
  },
  products: {
    group: "catalogue",
    usage:
      "products [<beginning of a SKU> | show <SKU> | lineage <SKU> | rename <SKU> <new SKU> | import <file> [--dry-run] | export <file>]",
    summary: "products with who said what, files of them in and out",
    run: async (args) => (await import("./catalogue/products.ts")).runProducts(args),
  },
  prices: {
    group: "catalogue",
    usage:
      "prices <SKU> [--currency C --market M --channel C --location L --group G --at T] | prices lineage <SKU> | prices calendar [--days N] | prices import <file> [--dry-run] | prices export <file>",
    summary: "which price holds and why, when prices change, files of them in and out",
    run: async (args) => (await import("./catalogue/prices.ts")).runPrices(args),
  },
  ownership: {
    group: "catalogue",
    usage: "ownership [held]",
    summary: "who owns which field, and changes that wait for a person",
    run: async (args) => (await import("./catalogue/ownership.ts")).runOwnership(args),
  },
  exceptions: {
    group: "work",
    usage: "exceptions [decide <id> <action> --reason R --day D]",
    summary: "what needs a person, and deciding it",
    run: runExceptions,
  },
  people: {
    group: "work",
    usage: "people [add <name> --roles R,R --full-name F --channels C,C --stores S,S | link <name>]",
    summary: "who uses the console with which roles; a link signs a person in once",
    run: runPeople,
  },
  groups: {
    group: "work",
    usage: "groups [--sort S] [--owner O] [--kind K] [--state S] | groups <act> <id> … | groups rules",
    summary: "what needs people, by cause, the most urgent first; assign, acknowledge, snooze, comment, merge, split",
    run: runGroups,
  },
  operations: {
    group: "work",
    usage:
      "operations [kinds | preview <kind> name=value … | run | approve | pause | pace | stop | show | members <id>]",
    summary: "what is done to many objects at once: preview, approval, progress",
    run: runOperations,
  },
  kpis: {
    group: "watch",
    usage:
      "kpis [--by B] [--step S] [--since T] [--figure F] [--definitions] | kpis import <file> [--dry-run] | kpis rebuild",
    summary: "the figures of the business: by channel, store, region, payment method, connection; by hour, day, week",
    run: runKpis,
  },
  modes: {
    group: "systems",
    usage: "modes [show <name> | enter <name> --reason R | leave <name> --reason R | runbook <name> it|store]",
    summary: "what is done while a system is away or slow; exit reports; runbooks",
    run: runModes,
  },
  stock: {
    group: "goods",
    usage:
      "stock <SKU> [--location L] [--channel C] | rebuild [SKU] --reason R [--dry-run] | regret [--days N] | replenishment [--below T]",
    summary:
      "one article and why the number; positions recomputed from the ledger; what buffers cost; what planning is told",
    run: runStock,
  },
  why: {
    group: "watch",
    usage: "why [--from T] [--to T] [--channel C]",
    summary: "why fewer orders or less money came in: causes ranked by how much each explains, with evidence",
    run: runWhy,
  },
  returns: {
    group: "business",
    usage:
      "returns [<id>] [--open] | ask <order> --reason R [--line L=N] | approve|decline|cancel <id> | inspect <id> --place P --line L=N:DISPOSITION",
    summary: "goods that come back: their three tracks, asking for one, and what was found",
    run: runReturns,
  },
  promises: {
    group: "watch",
    usage: "promises [<name> | --gate]",
    summary: "how promises to buyers and books are kept; --gate ends with 4 when a risky change should wait",
    run: runPromises,
  },
  alerts: {
    group: "watch",
    usage: "alerts [show <id> | acknowledge <id> --minutes N | receivers | test <receiver>]",
    summary: "what people are told of, who answered, and whether it reaches them",
    run: runAlerts,
  },
  silences: {
    group: "watch",
    usage: "silences [add --promise P --hours N --reason R | end <id>]",
    summary: "what people asked not to be told of, until when, and what that held back",
    run: runSilences,
  },
  retention: {
    group: "run",
    usage: "retention",
    summary: "how long things are kept, what is gone, what goes next, and sizes",
    run: runRetention,
  },
  doctor: {
    group: "run",
    usage: "doctor",
    summary: "look at everything Crossdock needs and say what to do",
    run: async (args) => (await import("./doctor/doctor.ts")).runDoctorCommand(args),
  },
  engines: {
    group: "run",
    usage: "engines",
    summary: "start only the engines and print their addresses as JSON",
    run: async () => (await import("./start.ts")).runEngines(),
  },
}
