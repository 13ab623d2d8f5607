import { parseArgs } from "node:util"
import { AppError, asAppError } from "../../base/errors.ts"
import { epochMs, parseInstant } from "../../base/time.ts"
import type { Estate } from "../../estate.ts"
import { loadEstate, tryConnection, type Trial, type TrialFact, type TrialObject } from "../../main.ts"
import { connectApi, type Api } from "../api.ts"
import { needed } from "../with-api.ts"
import type { ConnectionItem } from "./items.ts"

const usage = "crossdock try <connection> [--last N | --since 2026-11-01T00:00:00Z]"

/** `crossdock try <connection>`: what a connection would bring and what would follow; writes nothing, there or here. */
export async function runTry(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      last: { type: "string", default: "5" },
      since: { type: "string" },
      json: { type: "boolean", default: false },
    },
  })
  const connection = needed(positionals, usage)
  const count = Number(values.last)
  if (!Number.isInteger(count) || count < 1)
    throw new AppError("REQUEST_INVALID", `--last takes a whole number: ${usage}`)
  const estate = await loadEstate()
  const since = values.since === undefined ? {} : { sinceMs: momentOf(values.since) }
  const trial = await tryConnection(estate, { connection, count, ...since })
  const text = values.json ? JSON.stringify(trial) : await trialText(trial, estate)
  process.stdout.write(`${text}\n`)
  const hasProblem = trial.lists.some(
    ({ problem, objects }) => problem ?? objects.some(({ problems }) => problems.length > 0),
  )
  return trial.refusal !== "" || hasProblem ? 4 : 0
}

/** A moment that somebody typed. */
export function momentOf(text: string): number {
  const at = parseInstant(text.includes("T") ? text : `${text}T00:00:00Z`)
  if (at === undefined) throw new AppError("REQUEST_INVALID", `"${text}" is no moment; write 2026-11-01T00:00:00Z`)
  return epochMs(at)
}

/** The whole report. A running Crossdock is asked for stock and for the connection's first day; without one both are left out. */
export async function trialText(trial: Trial, estate: Estate): Promise<string> {
  const { connection, connector, refusal, capabilities, routed, lists } = trial
  const unused = capabilities.filter((name) => !routed.includes(name))
  const head = [
    refusal === ""
      ? `${connection} (${connector}) answers and takes our key`
      : `${connection} (${connector}): ${refusal}`,
    `routes give it: ${routed.join(", ") || "nothing"}`,
    `it can also: ${unused.join(", ") || "nothing"}`,
  ]
  if (refusal !== "") return head.join("\n")
  if (lists.length === 0)
    return [...head, "it has no list of changes to read: what it tells comes by webhook or as a response"].join("\n")
  const known = await knownFacts(trial)
  const bodies = lists.flatMap(({ list, objects, isCut, problem }) => [
    "",
    problem === undefined
      ? `list "${list}": ${objects.length} read${isCut ? ", and there are more than are read here" : ""}`
      : `list "${list}" cannot be read: ${problem}`,
    ...objects.flatMap((object) => objectLines(object, { estate, known })),
  ])
  return [...head, ...bodies, "", summaryOf(lists.flatMap(({ objects }) => objects)), "Nothing was written."].join("\n")
}

function summaryOf(objects: readonly TrialObject[]): string {
  const bad = objects.filter(({ problems }) => problems.length > 0).length
  const placed = objects.flatMap(({ facts }) => facts).filter(({ type }) => type === "order.placed").length
  const orders = placed === 1 ? "1 order" : `${placed} orders`
  return `${objects.length} objects: ${objects.length - bad} can be understood, ${bad} cannot; ${orders} in them.`
}

interface Known {
  /** Free units by SKU. */
  free: ReadonlyMap<string, number>
  connectedAt?: string
}

function objectLines(object: TrialObject, { estate, known }: { estate: Estate; known: Known | undefined }): string[] {
  const facts = object.facts.flatMap((fact) => [
    `  ${fact.type}  ${fact.text === "" ? fact.about : fact.text}`,
    ...[...fact.wouldDo, ...consequences(fact, { estate, known })].map((text) => `      ${text}`),
  ])
  return [
    ...facts,
    ...object.problems.map((problem) => `  cannot be understood: ${problem}`),
    ...object.wouldRead.map(({ type, id }) => `  would be read by itself: ${type} ${id}`),
    ...(object.ignored === undefined ? [] : [`  left out: ${object.ignored}`]),
  ]
}

function consequences(fact: TrialFact, { estate, known }: { estate: Estate; known: Known | undefined }): string[] {
  if (fact.placedAt === undefined) return []
  const firstDay = known?.connectedAt
  const texts: string[] = []
  if (firstDay === undefined || epochMs(fact.placedAt) < epochMs(firstDay))
    texts.push(
      firstDay === undefined
        ? "placed before the connection's first day, which is its first start: a person is asked, nothing is cancelled or given back"
        : `placed before the connection's first day (${firstDay}): a person is asked, nothing is cancelled or given back`,
    )
  const short = fact.needs.filter(({ sku, milli }) => known && (known.free.get(sku) ?? 0) < milli)
  if (short.length > 0) {
    const missing = short.map(
      ({ sku, milli }) => `${milli / 1000} × ${sku} (free: ${(known?.free.get(sku) ?? 0) / 1000})`,
    )
    const then =
      estate.policies.orders.onShortage === "cancel" ? "the policy cancels such an order" : "a person is asked"
    texts.push(`no stock for ${missing.join(", ")}: ${then}`)
  }
  return texts
}

async function knownFacts(trial: Trial): Promise<Known | undefined> {
  let api: Api | undefined
  try {
    api = connectApi()
    const path = `/v1/connections/${encodeURIComponent(trial.connection)}`
    const { connectedAt } = await api.get<ConnectionItem>(path).catch(() => ({ connectedAt: undefined }))
    const facts = trial.lists.flatMap(({ objects }) => objects.flatMap((object) => object.facts))
    const skus = new Set(facts.flatMap(({ needs }) => needs.map(({ sku }) => sku)))
    const free = new Map<string, number>()
    for (const sku of skus) free.set(sku, await freeOf(api, sku))
    return { free, ...(connectedAt === undefined ? {} : { connectedAt }) }
  } catch (thrown) {
    if (asAppError(thrown).kind === "defect") throw thrown
    return undefined
  } finally {
    api?.close()
  }
}

interface Availability {
  items?: { availableToPromiseMilli: number }[]
  availableToPromiseMilli?: number
}

async function freeOf(api: Api, sku: string): Promise<number> {
  const found = await api.get<Availability>("/v1/availability", { sku }).catch((thrown: unknown): Availability => {
    if (asAppError(thrown).code === "NOT_FOUND") return { items: [] }
    throw thrown
  })
  const { items = [{ availableToPromiseMilli: found.availableToPromiseMilli ?? 0 }] } = found
  return items.reduce((sum, { availableToPromiseMilli }) => sum + availableToPromiseMilli, 0)
}
