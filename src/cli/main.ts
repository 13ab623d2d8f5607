import { asAppError } from "../base/errors.ts"
import { deploymentValue, setDeploymentValue } from "../base/config.ts"
import { own } from "../base/lookup.ts"
import { restoreLabAddresses } from "./demo/lab-process.ts"
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
import { runPromises } from "./promises/promises.ts"
import { runSilences } from "./promises/silences.ts"
import { runStores } from "./stores/stores.ts"
import { runReturns } from "./returns/returns.ts"
import { runStock } from "./stock/stock.ts"
import { runSubscriptions } from "./subscriptions.ts"
import { runRetention } from "./retention.ts"

/** Exit codes, a public list: 0 done, 1 defect, 2 usage, 3 not reachable, 4 checks failed. */
export const exitCodes = { done: 0, defect: 1, usage: 2, notReachable: 3, checksFailed: 4 } as const

interface Command {
  usage: string
  summary: string
  run: (args: string[]) => Promise<number>
}

// Commands that need all of Crossdock load it when they run: half a second of CPU that the others do not wait for.
const commands: Record<string, Command> = {
  start: {
    usage: "start [--roles gateway,worker]",
    summary: "start engines and Crossdock with crossdock.config.ts",
    run: async (args) => (await import("./start.ts")).runStart(args),
  },
  demo: {
    usage: "demo [--orders-per-second N] [--seed N] [--calm] | demo break <what> | demo mend [what]",
    summary: "start everything with the demo estate and trade; break something in the running one, and mend it",
    run: async (args) => (await import("./demo/demo.ts")).runDemo(args),
  },
  orders: {
    usage: "orders [--state S] [--limit N] | orders account <order> | orders values <order> [--changed]",
    summary: "the newest orders and their states, or of one what became of its goods and money, or who set its values",
    run: runOrders,
  },
  objects: {
    usage: "objects [--kind K] [--state S] [--owner O] [--place P] [--open]",
    summary: "business objects of every kind and where they stand",
    run: runObjects,
  },
  find: {
    usage: "find <text>",
    summary: "objects by order number, tracking number, payment, any system's id",
    run: runFind,
  },
  trace: {
    usage: "trace <ref, id or number>",
    summary: "every hop of an object, and of those linked with it, over all systems",
    run: runTrace,
  },
  events: {
    usage: "events [--type T] [--follow] [--cursor C]",
    summary: "the log of business events, oldest first",
    run: runEvents,
  },
  subscriptions: {
    usage:
      "subscriptions [add <id> <url> --for TEXT [--types T,T] [--since T] | pause|resume|test|rotate|remove <id> | replay <id> --since T]",
    summary: "other teams' systems that events are sent to: how far each is, what goes wrong, and sending again",
    run: runSubscriptions,
  },
  effects: {
    usage: "effects [--outcome O] [--connection C] [--key ORDER]",
    summary: "intents to change other systems, newest first",
    run: runEffects,
  },
  connections: {
    usage: "connections [pause|resume|history <id> …]",
    summary: "connections, their breakers, pausing them, and everything that works in the background",
    run: async (args) => (await import("./connections/connections.ts")).runConnections(args),
  },
  try: {
    usage: "try <connection> [--last N | --since T]",
    summary: "check a connection, read and translate its last objects, say what would follow; writes nothing",
    run: async (args) => (await import("./connections/try.ts")).runTry(args),
  },
  stores: {
    usage:
      "stores outstanding [store] | stores day <store> <date> | stores close <store> <date> | stores receipt <store> <till> <number>",
    summary: "numbers of tills that have not come, a store's day and its closing, and where a receipt is",
    run: runStores,
  },
  edge: {
    usage:
      "edge --store S --time-zone Z [--day-ends-at HH:MM --port N --data FOLDER --reserve-mb N] | edge status | edge verify",
    summary:
      "the agent of a store: keeps its tills' receipts on the spot and sends them; how it is; walking its journal",
    run: async (args) => (await import("./stores/edge.ts")).runEdge(args),
  },
  mappings: {
    usage: "mappings [set <channel> <article> <SKU> | remove <channel> <article>] [--reason R]",
    summary: "what articles of channels stand for, where the stock knows them by another SKU",
    run: runMappings,
  },
  channel: {
    usage: "channel [diff <channel> [--state S] [--sku SKU] [--all]]",
    summary: "what channels show, and where that is not what they should: desired, sent, observed, and why",
    run: runChannel,
  },
  products: {
    usage:
      "products [<beginning of a SKU> | show <SKU> | lineage <SKU> | rename <SKU> <new SKU> | import <file> [--dry-run] | export <file>]",
    summary: "products with who said what, files of them in and out",
    run: async (args) => (await import("./catalogue/products.ts")).runProducts(args),
  },
  prices: {
    usage:
      "prices <SKU> [--currency C --market M --channel C --location L --group G --at T] | prices lineage <SKU> | prices calendar [--days N] | prices import <file> [--dry-run] | prices export <file>",
    summary: "which price holds and why, when prices change, files of them in and out",
    run: async (args) => (await import("./catalogue/prices.ts")).runPrices(args),
  },
  ownership: {
    usage: "ownership [held]",
    summary: "who owns which field, and changes that wait for a person",
    run: async (args) => (await import("./catalogue/ownership.ts")).runOwnership(args),
  },
  exceptions: {
    usage: "exceptions [decide <id> <action> --reason R --day D]",
    summary: "what needs a person, and deciding it",
    run: runExceptions,
  },
  people: {
    usage: "people [add <name> --roles R,R --full-name F --channels C,C --stores S,S | link <name>]",
    summary: "who uses the console with which roles; a link signs a person in once",
    run: runPeople,
  },
  groups: {
    usage: "groups [--sort S] [--owner O] [--kind K] [--state S] | groups <act> <id> … | groups rules",
    summary: "what needs people, by cause, the most urgent first; assign, acknowledge, snooze, comment, merge, split",
    run: runGroups,
  },
  operations: {
    usage:
      "operations [kinds | preview <kind> name=value … | run | approve | pause | pace | stop | show | members <id>]",
    summary: "what is done to many objects at once: preview, approval, progress",
    run: runOperations,
  },
  kpis: {
    usage:
      "kpis [--by B] [--step S] [--since T] [--figure F] [--definitions] | kpis import <file> [--dry-run] | kpis rebuild",
    summary: "the figures of the business: by channel, store, region, payment method, connection; by hour, day, week",
    run: runKpis,
  },
  modes: {
    usage: "modes [show <name> | enter <name> --reason R | leave <name> --reason R | runbook <name> it|store]",
    summary: "what is done while a system is away or slow; exit reports; runbooks",
    run: runModes,
  },
  stock: {
    usage: "stock <SKU> [--location L] [--channel C] | rebuild [SKU] --reason R [--dry-run] | regret [--days N]",
    summary: "one article and why the number; positions recomputed from the ledger; what buffers cost",
    run: runStock,
  },
  why: {
    usage: "why [--from T] [--to T] [--channel C]",
    summary: "why fewer orders or less money came in: causes ranked by how much each explains, with evidence",
    run: runWhy,
  },
  returns: {
    usage:
      "returns [<id>] [--open] | ask <order> --reason R [--line L=N] | approve|decline|cancel <id> | inspect <id> --place P --line L=N:DISPOSITION",
    summary: "goods that come back: their three tracks, asking for one, and what was found",
    run: runReturns,
  },
  promises: {
    usage: "promises [<name> | --gate]",
    summary: "how promises to buyers and books are kept; --gate ends with 4 when a risky change should wait",
    run: runPromises,
  },
  alerts: {
    usage: "alerts [show <id> | acknowledge <id> --minutes N | receivers | test <receiver>]",
    summary: "what people are told of, who answered, and whether it reaches them",
    run: runAlerts,
  },
  silences: {
    usage: "silences [add --promise P --hours N --reason R | end <id>]",
    summary: "what people asked not to be told of, until when, and what that held back",
    run: runSilences,
  },
  retention: {
    usage: "retention",
    summary: "how long things are kept, what is gone, what goes next, and sizes",
    run: runRetention,
  },
  doctor: {
    usage: "doctor",
    summary: "look at everything Crossdock needs and say what to do",
    run: async (args) => (await import("./doctor/doctor.ts")).runDoctorCommand(args),
  },
  engines: {
    usage: "engines",
    summary: "start only the engines and print their addresses as JSON",
    run: async () => (await import("./start.ts")).runEngines(),
  },
}

process.exitCode = await main(process.argv.slice(2))

async function main([name = "help", ...args]: string[]): Promise<number> {
  const command = own(commands, name)
  if (deploymentValue("LAB_ADDRESSES") === undefined && name !== "demo")
    restoreLabAddresses((value) => setDeploymentValue("LAB_ADDRESSES", value))
  if (!command) {
    const isHelp = ["help", "--help", "-h"].includes(name)
    const lines = Object.values(commands).map(({ usage, summary }) => `  crossdock ${usage.padEnd(52)} ${summary}`)
    const text = `${isHelp ? "" : `there is no command "${name}"\n\n`}usage:\n${lines.join("\n")}\n`
    ;(isHelp ? process.stdout : process.stderr).write(text)
    return isHelp ? exitCodes.done : exitCodes.usage
  }
  const usage = `usage: crossdock ${command.usage}\n${command.summary}\n`
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(usage)
    return exitCodes.done
  }
  try {
    return await command.run(args)
  } catch (thrown) {
    const wrongOption = optionProblem(thrown)
    if (wrongOption !== undefined) {
      process.stderr.write(`${wrongOption}\n${usage}`)
      return exitCodes.usage
    }
    const error = asAppError(thrown)
    process.stderr.write(`${error.message}\n`)
    return error.kind === "invalid"
      ? exitCodes.usage
      : error.kind === "unavailable"
        ? exitCodes.notReachable
        : exitCodes.defect
  }
}

/** What is wrong with the options of a command, when that is what `parseArgs` threw. Its advice about "--" helps nobody here. */
function optionProblem(thrown: unknown): string | undefined {
  const isOfOptions = thrown instanceof Error && "code" in thrown && String(thrown.code).startsWith("ERR_PARSE_ARGS_")
  return isOfOptions ? thrown.message.split(". ")[0] : undefined
}
