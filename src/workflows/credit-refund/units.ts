import { derivedId } from "../../base/ids.ts"
import { newEvent, type EventData } from "../../canonical/events.ts"
import { ref } from "../../canonical/refs.ts"
import type { RunContext } from "../../durable/define-workflow.ts"
import { part } from "../../durable/steps/step-name.ts"
import type { Step } from "../../durable/steps/step.ts"
import type { PlacedStockLine } from "../../ports/capabilities/stock.ts"
import type { OrderPolicies } from "../fulfil-order/policies.ts"
import type { CreditDue } from "../../canonical/events/finance.ts"

type Context = RunContext<OrderPolicies>
type Units = CreditDue["units"][number]

/** The key of the claim on a line's units. */
const claimKey = ({ creditId }: CreditDue, lineId: string) => derivedId("rt", creditId, lineId)

/** Claims the units on the order's account. More than had left is told, and neither the account nor the stock takes them. */
export async function claimUnits(step: Step, due: CreditDue, context: Context): Promise<Units[]> {
  const { orderId, orderNumber, refundId } = due
  const claimed: Units[] = []
  for (const [lineId, units] of byLine(due.units)) {
    const milli = units.reduce((sum, { quantity }) => sum + quantity.milli, 0)
    const unit = units[0]?.quantity.unit ?? ""
    const { granted } = await step.effect(part("claim units", lineId), {
      write: context.use("claimsRefunds").claimUnits,
      input: { orderId, lineId, quantity: { milli, unit }, by: due.channel },
      key: claimKey(due, lineId),
    })
    if (granted) claimed.push(...units)
    else
      await step.raise(part("more came back than had left", lineId), {
        summary: `Refund ${refundId} of order ${orderNumber} gives ${milli / 1000} of line ${lineId} back, and fewer had left and were not given back before.`,
        ifNobodyActs: "the money is credited, and neither stock nor account count these units",
        owner: "finance",
        allowedActions: ["acknowledge"],
        atRisk: due.amount,
      })
  }
  return claimed
}

function byLine(units: readonly Units[]): Map<string, Units[]> {
  return Map.groupBy(units, ({ lineId }) => lineId)
}

/** Tells what became of the units, and adds to the stock what is back on a shelf, where the policy says so. */
export async function giveUnitsBack(
  step: Step,
  due: CreditDue,
  context: Context & { claimed: readonly Units[] },
): Promise<void> {
  const places = await placesOf(step, due, context)
  const addsThem = context.policies.restock === "as the shop says"
  for (const [locationId, units] of Map.groupBy(context.claimed, (one) => places.get(one) ?? "")) {
    const fate: Fate = { disposition: addsThem ? "back in stock" : "left to the warehouse", units, locationId }
    if (locationId === "") tellFate(step, due, { disposition: "not restocked", units })
    else if (!addsThem) tellFate(step, due, fate)
    else await putBack(step, due, { ...context, fate: { ...fate, locationId } })
  }
}

/** Adds to the stock what no return has put there already. */
async function putBack(
  step: Step,
  due: CreditDue,
  { use, fate }: Context & { fate: Fate & { locationId: string } },
): Promise<void> {
  const { units, locationId } = fate
  const lines: PlacedStockLine[] = []
  for (const [lineId, own] of byLine(units)) {
    const milli = own.reduce((sum, { quantity }) => sum + quantity.milli, 0)
    const unit = own[0]?.quantity.unit ?? ""
    const { receivedMilli } = await step.effect(part("claim what is back", `${lineId}:${locationId}`), {
      write: use("claimsRefunds").claimBack,
      input: { orderId: due.orderId, lineId, quantity: { milli, unit }, isGivenFor: false, by: due.channel },
      key: receiptKey(due, lineId, locationId),
      lane: "stock",
    })
    // A kit's components go with it in proportion.
    for (const line of stockLines(own, locationId)) {
      const backMilli = Math.ceil((line.milli * receivedMilli) / milli)
      if (backMilli > 0) lines.push({ ...line, milli: backMilli })
    }
  }
  if (lines.length === 0) return tellFate(step, due, fate)
  await step.effect(part("put back in stock", locationId), {
    write: use("reservesStock").takeBack,
    input: { fact: `credit:${due.creditId}`, at: due.at, lines },
    tells: () => [newEvent({ ...factOf(due, fate), time: step.now() })],
    lane: "stock",
  })
}

const receiptKey = ({ creditId }: CreditDue, lineId: string, locationId: string) =>
  derivedId("rb", creditId, lineId, locationId)

interface Fate {
  disposition: EventData<"goods.returned">["disposition"]
  units: readonly Units[]
  locationId?: string
}

/**
 * Where units are back on a shelf: where the shop says, else where they left from. Units that are on no shelf of ours have no place;
 * people are told of those that the shop put somewhere nobody here knows.
 */
async function placesOf(
  step: Step,
  due: CreditDue,
  { claimed, policies }: Context & { claimed: readonly Units[] },
): Promise<ReadonlyMap<Units, string>> {
  const places = new Map<Units, string>()
  for (const units of claimed) {
    const { restock, goods, lineId } = units
    if (!restock || goods.length === 0) continue
    if (restock.elsewhere !== undefined) {
      await raiseElsewhere(step, due, { ...units, place: restock.elsewhere })
      continue
    }
    const place = restock.locationId ?? (await leftFrom(step, due, { lineId, policies }))
    if (place !== undefined) places.set(units, place)
  }
  return places
}

async function leftFrom(
  step: Step,
  { orderId }: CreditDue,
  { lineId, policies }: { lineId: string; policies: OrderPolicies },
): Promise<string | undefined> {
  const place = await step.decide(part("find the place", lineId), async () => {
    const left = (await policies.shippedFrom(orderId)).filter((one) => one.lineId === lineId)
    const [most] = [...left].sort((a, b) => b.milli - a.milli)
    return most?.locationId ?? null
  })
  return place ?? undefined
}

function raiseElsewhere(
  step: Step,
  { orderNumber, refundId, channel }: CreditDue,
  { lineId, goods, quantity, place }: Units & { place: string },
): Promise<void> {
  return step.raise(part("put back at an unknown place", lineId), {
    summary: `Refund ${refundId} of order ${orderNumber} puts ${quantity.milli / 1000} of ${goods.map(({ sku }) => sku).join(", ")} back at the shop's location ${place}, which the settings of ${channel} give no location of ours.`,
    ifNobodyActs: "the stock does not have these units",
    owner: "operations",
    allowedActions: ["acknowledge"],
  })
}

/** A line that comes back in two parts to one place is one movement of its goods. */
function stockLines(units: readonly Units[], locationId: string): PlacedStockLine[] {
  return [...byLine(units)].flatMap(([lineId, own]) => {
    const goods = Map.groupBy(
      own.flatMap((one) => one.goods),
      ({ sku }) => sku,
    )
    return [...goods].map(([sku, parts]) => {
      return { lineId, sku, locationId, milli: parts.reduce((sum, { milli }) => sum + milli, 0) }
    })
  })
}

function tellFate(step: Step, due: CreditDue, fate: Fate): void {
  const { type, data } = factOf(due, fate)
  step.tell(part("units are given back", fate.locationId ?? ""), { type, data })
}

function factOf(due: CreditDue, { disposition, units, locationId }: Fate) {
  const place = locationId === undefined ? {} : { locationId }
  return {
    type: "goods.returned" as const,
    fact: `crossdock:credit:${due.creditId}:returned:${locationId ?? ""}`,
    source: "crossdock:credit refund",
    data: {
      orderId: due.orderId,
      of: ref("credit", due.creditId),
      disposition,
      lines: units.map(({ lineId, quantity }) => {
        const receipt =
          disposition === "back in stock" && locationId ? { receipt: receiptKey(due, lineId, locationId) } : {}
        return { lineId, quantity, claim: claimKey(due, lineId), ...receipt }
      }),
      at: due.at,
      ...place,
    },
  }
}
