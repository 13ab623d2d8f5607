import type { Estate } from "./estate/estate.ts"
import { createEstate } from "./estate/estate.ts"
import type { Simulator, VendorOptions } from "./simulator.ts"
import type { Place, SimulatorName, Simulators } from "./simulators.ts"
import { simulatorNames, simulators } from "./simulators.ts"
import type { LabState } from "./keep/state.ts"
import { openLabState } from "./keep/state.ts"

/** Options of single simulators, which override the lab's own. */
export type SimulatorOverrides = { [Name in SimulatorName]?: Parameters<Simulators[Name]>[1] }

export type LabOptions = SimulatorOverrides & {
  seed: number
  /** The simulators to start; absent: all. */
  only?: readonly SimulatorName[]
  /** Ports from here on, one after the other in the order of `simulators`; absent or 0: any free ports. */
  firstPort?: number
  /** The gateway: each vendor sends its webhooks to `{target}/hooks/{its name}`. */
  target?: string
  /** Folder of the simulators' state, from which the next lab continues; absent: nothing is kept. */
  stateFolder?: string
  skuCount?: number
}

type Started = { [Name in SimulatorName]: Awaited<ReturnType<Simulators[Name]>> }

/** A running lab: the estate and its vendors. Reading a simulator that was not started throws. */
export type Lab = Started & {
  estate: Estate
  /** Those that were started. */
  simulators: readonly Simulator[]
  state: LabState | undefined
  stop(): Promise<void>
}

/** Starts simulators in this process. */
export async function startLab(options: LabOptions): Promise<Lab> {
  const names = chosenNames(options.only)
  const { seed, skuCount, stateFolder } = options
  const estate = createEstate({ seed, ...(skuCount === undefined ? {} : { skuCount }) })
  const state = stateFolder === undefined ? undefined : openLabState(stateFolder, seed)
  const nextPort = portsFrom(options.firstPort ?? 0)
  const running: Simulator[] = []
  // The loop below fills in every simulator, or a getter that refuses.
  const lab = { estate, simulators: running, state, stop: () => stopAll(running, state) } as unknown as Lab
  const createAuthorisation: NonNullable<Place["createAuthorisation"]> = (amountMinor, currency) =>
    Promise.resolve(lab.stripe.createAuthorisation({ amountMinor, currency }))
  for (const name of simulatorNames) {
    if (!names.has(name)) {
      Object.defineProperty(lab, name, { get: () => refuse(name) })
      continue
    }
    const vendor: VendorOptions = {
      seed,
      port: nextPort(),
      ...(state === undefined ? {} : { state }),
      ...(options.target === undefined ? {} : { webhookTarget: `${options.target.replace(/\/$/, "")}/hooks/${name}` }),
    }
    const place: Place = { vendor, estate, nextPort, ...(names.has("stripe") ? { createAuthorisation } : {}) }
    // Each start function takes the options of its own name; the table and LabOptions have the same keys.
    const start = simulators[name] as (place: Place, more: object) => Promise<Simulator>
    const simulator = await start(place, options[name] ?? {}).catch(async (error: unknown) => {
      await stopAll(running, state)
      throw error
    })
    running.push(simulator)
    Object.assign(lab, { [name]: simulator })
  }
  return lab
}

function chosenNames(only: readonly string[] | undefined): ReadonlySet<string> {
  const unknown = (only ?? []).filter((name) => !simulatorNames.some((known) => known === name))
  if (unknown.length > 0)
    throw new Error(`the lab has no ${unknown.join(", ")}: its simulators are ${simulatorNames.join(", ")}`)
  return new Set(only ?? simulatorNames)
}

function refuse(name: SimulatorName): never {
  throw new Error(`this lab was started without ${name}`)
}

async function stopAll(running: readonly Simulator[], state: LabState | undefined): Promise<void> {
  await Promise.all(running.map((simulator) => simulator.stop()))
  state?.close()
}

function portsFrom(firstPort: number): () => number {
  let next = firstPort
  return () => (firstPort === 0 ? 0 : next++)
}
