import { parseArgs } from "node:util"

/** Processes that may be killed or paused. */
export const victims = ["gateway", "worker", "postgres"] as const
export type Victim = (typeof victims)[number]

/** Share of the payloads and answers with odd shapes, by name. */
export const oddShapeShares = { none: 0, some: 0.3, full: 1 } as const
export type OddShapes = keyof typeof oddShapeShares

/** The settings of a chaos run. Everything random follows from `seed`. */
export interface ChaosSettings {
  orders: number
  seed: number
  ordersPerSecond: number
  /** Processes of each role; all share one database. */
  workers: number
  gateways: number
  /**
   * PostgreSQL is a primary with a synchronous standby; in the middle of the run the primary is killed for good and the
   * standby promoted.
   */
  isFailover: boolean
  /** Longest pause of a process. */
  pauseMsMax: number
  /** Number of strikes per kind of process; absent: chosen by seed and length. */
  kills: Record<Victim, number> | undefined
  /** Share of orders of an odd kind: tills, refunds on their way, captures by hand, see chaos/stream. */
  oddShare: number
  /** How many payloads and answers of vendors have shapes that are allowed and rare. */
  oddShapes: OddShapes
  /** Stores with three tills each that trade beside the web shop; every other one through an agent of its own. */
  stores: number
  /** Vendors without faults: no lost responses, no duplicate or dropped webhooks. */
  isCalm: boolean
  /** Keep the data folder for inspection. */
  isKept: boolean
  /** Longest wait, after all faults have ended, until every order must be settled. */
  tailMs: number
}

/** As many as lab/estate/locations.ts has. */
const storesMax = 20

export const usage = `usage: npm run chaos -- [--orders 2000] [--seed N] [--rate orders/s] [--workers 2] [--gateways 2]
                         [--kills gateway=1,worker=2,postgres=1 | none] [--pause-max seconds] [--failover]
                         [--stores 3] [--odd-share 0.3] [--odd-shapes none|some|full] [--calm] [--tail seconds] [--keep]`

/** Parses the command line; throws a sentence for people when it is invalid. */
export function readSettings(args: readonly string[], randomSeed: () => number): ChaosSettings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      orders: { type: "string", default: "2000" },
      seed: { type: "string" },
      rate: { type: "string", default: "20" },
      workers: { type: "string", default: "2" },
      gateways: { type: "string", default: "2" },
      kills: { type: "string" },
      "pause-max": { type: "string", default: "8" },
      failover: { type: "boolean", default: false },
      stores: { type: "string", default: "3" },
      "odd-share": { type: "string", default: "0.3" },
      "odd-shapes": { type: "string", default: "some" },
      tail: { type: "string", default: "180" },
      calm: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
    },
  })
  const kills = values.kills === undefined ? undefined : readKills(values.kills)
  if (values.failover && (kills?.postgres ?? 0) > 0)
    throw new Error("--failover kills the primary database itself; leave postgres out of --kills")
  return {
    orders: wholeNumber("--orders", values.orders, 1),
    seed: values.seed === undefined ? randomSeed() : wholeNumber("--seed", values.seed),
    ordersPerSecond: wholeNumber("--rate", values.rate, 1),
    workers: wholeNumber("--workers", values.workers, 1),
    gateways: wholeNumber("--gateways", values.gateways, 1),
    isFailover: values.failover,
    pauseMsMax: wholeNumber("--pause-max", values["pause-max"], 1) * 1000,
    kills,
    stores: storeCount(values.stores),
    oddShare: share("--odd-share", values["odd-share"]),
    oddShapes: shapes(values["odd-shapes"]),
    isCalm: values.calm,
    isKept: values.keep,
    tailMs: wholeNumber("--tail", values.tail) * 1000,
  }
}

function readKills(text: string): Record<Victim, number> {
  const kills: Record<Victim, number> = { gateway: 0, worker: 0, postgres: 0 }
  if (text === "none") return kills
  for (const part of text.split(",")) {
    const [name = "", count = "1"] = part.split("=")
    const victim = victims.find((known) => known === name)
    if (!victim) throw new Error(`--kills names "${name}"; known are ${victims.join(", ")}`)
    kills[victim] = wholeNumber(`--kills ${name}`, count)
  }
  return kills
}

function storeCount(text: string): number {
  const count = wholeNumber("--stores", text)
  if (count > storesMax) throw new Error(`--stores takes at most ${storesMax}: the estate has no more`)
  return count
}

function share(option: string, text: string): number {
  if (!/^(0(\.\d{1,4})?|1)$/.test(text)) throw new Error(`${option} takes a number from 0 to 1, not "${text}"`)
  return Number(text)
}

function shapes(text: string): OddShapes {
  // Object.keys forgets the keys it was given.
  const names = Object.keys(oddShapeShares) as OddShapes[]
  const found = names.find((name) => name === text)
  if (!found) throw new Error(`--odd-shapes takes ${names.join(", ")}, not "${text}"`)
  return found
}

function wholeNumber(option: string, text: string, least = 0): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) < least)
    throw new Error(`${option} takes a whole number${least > 0 ? ` from ${least}` : ""}, not "${text}"`)
  return Number(text)
}
