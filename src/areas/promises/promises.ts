import { Type, type Static } from "typebox"
import { repeated, type DayPlace } from "../../base/time.ts"
import { promiseRoutes, type Promises } from "../../gateway/routes/promises/promises.ts"
import type { OperationsPolicyBlock } from "../../operations/policies.ts"
import { readBudget } from "../../operations/promises/budget.ts"
import {
  buildOf,
  forgetPromises,
  markDue,
  promiseSubscriber,
  subscriptionName,
  type KeptPromises,
} from "../../operations/promises/keep.ts"
import { listMissed } from "../../operations/promises/missed.ts"
import { readPromises, type PromiseReads } from "../../operations/promises/read.ts"
import { PromiseDefinition, type NamedPromise } from "../../rules/promises/definition.ts"
import { defineArea, type AreaParts, type Service } from "../define-area.ts"

const PromisePolicyBlock = Type.Record(Type.String({ pattern: "^[a-z0-9][a-z0-9 -]{0,62}$" }), PromiseDefinition, {
  description: "Promises by name, e.g. `refunds closed`.",
})
type PromisePolicyBlock = Static<typeof PromisePolicyBlock>

/** Promises as the estate declares them. */
export function promisesOf({ policyOf, estate }: Pick<AreaParts, "policyOf" | "estate">): KeptPromises {
  // Both blocks were checked by their schemas at start.
  const block = (policyOf("promises") ?? {}) as PromisePolicyBlock
  const { timeZone = "UTC" } = (policyOf("orders") ?? {}) as { timeZone?: string }
  const places = new Map(estate.locations.map((location): [string, DayPlace] => [location.id, location]))
  return {
    promises: Object.entries(block).map(([name, definition]): NamedPromise => ({ name, ...definition })),
    placeOf: (store = "") => places.get(store) ?? { timeZone },
  }
}

/** What reads of promises need. */
export function promiseReads(parts: AreaParts): PromiseReads {
  const { ranking } = (parts.policyOf("operations") ?? {}) as OperationsPolicyBlock
  return { sql: parts.sql, clock: parts.clock, build: buildOf(promisesOf(parts)), ranking }
}

function viewsOf(parts: AreaParts): Promises {
  const { promises } = promisesOf(parts)
  const reads = promiseReads(parts)
  const named = (name: string) => promises.find((promise) => promise.name === name)
  return {
    list: (of) => readPromises(reads, promises, of),
    async find(name, of) {
      const promise = named(name)
      return promise && (await readPromises(reads, [promise], of))[0]
    },
    async missed(name, request) {
      const promise = named(name)
      return promise && listMissed(reads, promise, request)
    },
    budget: () => readBudget(reads, promises),
  }
}

const lookEveryMs = 10_000
const forgetEveryMs = 600_000

/** Marks what is due, up to the moment until which the log was read; and deletes what is old. */
function clocks(parts: AreaParts): Service {
  const { sql, clock, log, readers } = parts
  const kept = promisesOf(parts)
  const build = buildOf(kept)
  const reader = readers.add({
    name: "promises that are due",
    what: "The watch over promises that are due",
    meanwhile: "a promise that nobody keeps looks open, and nobody is told",
    everyMs: lookEveryMs,
  })
  let forgottenMs = 0
  const look = async () => {
    const readUntil = (await readers.list()).find(({ name }) => name === `subscription ${subscriptionName(build)}`)
    // The reader's time is the database's; the age tells how far it is from now by our clock.
    if (readUntil?.succeededAt !== undefined) await markDue(sql, build, clock.now() - readUntil.ageMs)
    if (clock.now() - forgottenMs < forgetEveryMs) return
    forgottenMs = clock.now()
    await forgetPromises(sql, { build, nowMs: clock.now() })
  }
  return repeated(() => reader.pass(look), {
    everyMs: lookEveryMs,
    onError: (thrown) => log.debug({ err: thrown }, "promises that are due were not looked at"),
  })
}

/** Promises on outcomes: what was promised to buyers and to the books, how it is kept, and what is left to miss. */
export const promises = defineArea({
  name: "promises",
  policies: {
    schema: PromisePolicyBlock,
    whenLeftOut: "defaults",
    problems: (block: PromisePolicyBlock) =>
      Object.entries(block).flatMap(([name, { within, by }]) =>
        (within === undefined) === (by === undefined)
          ? [{ pointer: `/${name}`, message: "takes either `within` or `by`" }]
          : [],
      ),
  },
  routes: (parts) => promiseRoutes(viewsOf(parts)),
  subscribers: (parts) => {
    const kept = promisesOf(parts)
    return kept.promises.length === 0 ? [] : [promiseSubscriber(parts.sql, kept)]
  },
  services: (parts) => (promisesOf(parts).promises.length === 0 ? [] : [clocks(parts)]),
})
