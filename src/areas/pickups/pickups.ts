import { createHmac, timingSafeEqual } from "node:crypto"
import type { Order } from "../../canonical/order.ts"
import { plainCode } from "../../canonical/pickups/code-hash.ts"
import { titlesOf } from "../../catalogue/titles.ts"
import { pickupIntake } from "../../gateway/routes/pickups/intake.ts"
import { pickupRoutes, type Pickups } from "../../gateway/routes/pickups/pickups.ts"
import { OrderBook } from "../../operations/order-book.ts"
import { pickupsKeeper } from "../../orders/pickups/keep.ts"
import { listPickups, readChange, readPickup } from "../../orders/pickups/read.ts"
import { WrongCodes } from "../../orders/pickups/wrong-codes.ts"
import { pickupState, toFind, toHandOver, toPutBack, type Pickup, type PickupLine } from "../../rules/pickup/pickup.ts"
import { pickupDefaults, PickupPolicyBlock, type PickupPolicies } from "../../workflows/prepare-pickup/policies.ts"
import { preparePickup } from "../../workflows/prepare-pickup/prepare-pickup.ts"
import { defineArea, type AreaParts } from "../define-area.ts"
import { keptAt } from "./times.ts"

type Block = PickupPolicyBlock

// Without letters and digits that people mistake for each other at a counter: no 0, O, 1, I, L, U or V.
const alphabet = "23456789ABCDEFGHJKMNPQRSTWXYZ"
const codeLength = 6

/** The code of a pickup. It follows from the key of the deployment, so it is stored nowhere and nobody can guess it. */
function codeOf({ codeKey }: Block, pickupId: string): string | undefined {
  if (codeKey === undefined) return undefined
  const digest = createHmac("sha256", codeKey).update(`pickup ${pickupId}`).digest()
  return [...digest.subarray(0, codeLength)].map((byte) => alphabet[byte % alphabet.length]).join("")
}

/** In a time that tells nothing of where they differ; a code that is missing is no code. */
function isSame(code: string, given: string): boolean {
  const [known, said] = [Buffer.from(code), Buffer.from(given)]
  return known.length > 0 && known.length === said.length && timingSafeEqual(known, said)
}

/** The newest state of an order; undefined when there is none. */
function orderReader({ sql }: Pick<AreaParts, "sql">) {
  const book = new OrderBook(sql)
  // The log only takes orders that its catalogue's schema admitted.
  return async (orderId: string) => (await book.find(orderId))?.document as Order | undefined
}

type Reading = Pick<AreaParts, "sql" | "eventLog">

/** Pickups with the names of what their kits are made of: whoever picks looks for a cup, not for a number. */
async function withNames<One extends Pickup>({ sql }: Pick<AreaParts, "sql">, all: readonly One[]) {
  const parts = all.flatMap(({ lines }) => lines.flatMap((line) => line.parts ?? []))
  const titles = await titlesOf(
    sql,
    parts.map(({ sku }) => sku),
  )
  const named = ({ parts: unnamed, ...line }: PickupLine) => {
    if (!unnamed) return line
    const names = unnamed.map((part) => ({ ...part, title: titles.get(part.sku) ?? part.sku }))
    return { ...line, parts: names }
  }
  return all.map((one) => ({ ...one, lines: one.lines.map(named) }))
}

/** A pickup as its store's people see it. */
async function viewOf(parts: Reading, block: Block, pickupId: string) {
  const known = await readPickup(parts.eventLog, pickupId)
  if (!known) return undefined
  const { events } = known
  const [pickup = known.pickup] = await withNames(parts, [known.pickup])
  const order = await orderReader(parts)(pickup.orderId)
  const total = order?.total.presentment
  const limit = block.checkIdFrom?.find(({ currency }) => currency === total?.currency)
  return {
    ...pickup,
    lines: pickup.lines.map((line) => ({
      ...line,
      toFindMilli: toFind(line),
      toHandOverMilli: toHandOver(line),
      toPutBackMilli: toPutBack(pickup, line),
    })),
    state: pickupState(pickup),
    ...(order?.customer.name === undefined ? {} : { buyer: order.customer.name }),
    asksCode: block.codeKey !== undefined && pickup.method === "pickup",
    asksId:
      pickup.method === "pickup" &&
      total !== undefined &&
      limit !== undefined &&
      total.amountMinor >= limit.amountMinor,
    facts: events.map(({ type, fact, time, source, data }) => ({ type, fact, time, source, data })),
  }
}

function viewsOf(parts: Reading & Pick<AreaParts, "clock">, block: Block): Pickups {
  const wrongCodes = new WrongCodes(parts)
  return {
    takeCode: (attempt) => wrongCodes.take(attempt),
    list: async (request) => {
      const page = await listPickups(parts.sql, request)
      return { ...page, items: await withNames(parts, page.items) }
    },
    read: (pickupId) => viewOf(parts, block, pickupId),
    isCode: (pickupId, code) => isSame(codeOf(block, pickupId) ?? "", plainCode(code)),
  }
}

/** Pickups as a store's agent keeps them: as its people see them, with the code that the buyer must show. */
export function storePickups(parts: Reading & Pick<AreaParts, "policyOf">) {
  const block = (parts.policyOf("pickups") as Block | undefined) ?? pickupDefaults
  return {
    read: (pickupId: string) => viewOf(parts, block, pickupId),
    codeOf: (pickupId: string) => codeOf(block, pickupId),
  }
}

/** Goods that stores get ready, for buyers who collect them and for carriers. */
export const pickups = defineArea({
  name: "pickups",
  policies: {
    schema: PickupPolicyBlock,
    whenLeftOut: "defaults",
    problems: (block: Block, { locations }) =>
      Object.keys(block.openingHours ?? {})
        .filter((place) => !locations.some(({ id }) => id === place))
        .map((place) => ({ pointer: `/openingHours/${place}`, message: `there is no location "${place}"` })),
  },
  workflows: [preparePickup],
  policiesFor: (block: Block | undefined, parts): PickupPolicies => ({
    ...(block ?? pickupDefaults),
    findOrder: orderReader(parts),
    changeBy: (pickupId, fact) => readChange(parts, { pickupId, fact }),
    codeOf: (pickupId) => codeOf(block ?? pickupDefaults, pickupId),
    ...keptAt(parts.estate.locations, block ?? pickupDefaults),
  }),
  finalStates: { pickup: ["handed over", "put back", "stopped", "not there"] },
  intake: pickupIntake,
  routes: ({ core, ...parts }, block: Block | undefined) =>
    pickupRoutes({ core, pickups: viewsOf({ ...parts }, block ?? pickupDefaults) }),
  subscribers: () => [pickupsKeeper],
  upkeep: (parts) => new WrongCodes(parts).keep(),
})
