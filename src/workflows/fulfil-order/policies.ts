import { Type, type Static } from "typebox"
import { Money } from "../../base/money.ts"
import { Duration, isTimeZone, type BusinessDate, type Instant } from "../../base/time.ts"
import { waysToPay } from "../../rules/on-account.ts"
import type { Order } from "../../canonical/order.ts"
import { ChannelId, type Address, Sku } from "../../canonical/parts.ts"
import type { StepRejected } from "../../effects/perform.ts"
import { causeOfUnknown } from "../../stock/articles/articles.ts"
import type { ExceptionText } from "../../durable/steps/raised.ts"
import type { EffectOptions } from "../../durable/steps/effect-options.ts"
import type { SeenRefund } from "../../rules/fulfilment/news.ts"
import type { ShippingLocation } from "../../rules/route-order.ts"
import type { MadeOf } from "../../canonical/stock/made-of.ts"
import type { FindParts } from "../../stock/parts/find-parts.ts"
import type { FoundArticles } from "../../stock/articles/articles.ts"
import type { StockWait } from "../../stock/waits/waits.ts"
import type { CapabilityName } from "../../ports/capabilities.ts"
import type { WhoCaptures } from "../../ports/who-captures.ts"

/** What no estate that takes orders can do without; checked at start. */
export const orderNeeds = [
  "screensFraud",
  "checksTax",
  "reservesStock",
  "claimsRefunds",
  "booksOrders",
  "amendsOrders",
  "cancelsOrders",
  "recordsDeliveries",
  "postsJournals",
  "releasesFulfilment",
  "cancelsReleases",
] as const satisfies readonly CapabilityName[]

const closed = { additionalProperties: false } as const
const oneOf = <Name extends string>(names: readonly Name[], description: string) =>
  Type.Unsafe<Name>(Type.Enum(names, { description }))
const duration = (description: string) => Type.Object(Duration.properties, { ...closed, minProperties: 1, description })
const minor = (description: string) => Type.Number({ minimum: 0, description })

/** Finds a place on the map; undefined leaves distance out. */
type Locate = (address: Address) => { latitude: number; longitude: number } | undefined

const AccountRuleBlock = Type.Object(
  {
    pays: oneOf(
      waysToPay,
      "How it is to be paid: the kind of a pending tender, terms, a company's account, or nothing that is known.",
    ),
    channel: Type.Optional(ChannelId),
    unpaid: oneOf(
      ["ship", "wait", "ask"],
      "Ship on account, wait for the payment, or ask a person and wait for whichever comes first.",
    ),
    upTo: Type.Optional(Type.Object(Money.properties, { ...closed, description: "A larger part is asked about." })),
  },
  closed,
)

/** What a retailer decides about orders: `policies.orders` of the estate. */
export const OrderPolicyBlock = Type.Object(
  {
    onShortage: oneOf(
      ["ask", "cancel"],
      "A sold order finds no stock: ask a person, or cancel and refund by itself. Both raise an exception.",
    ),
    defaultArticles: Type.Optional(
      Type.Record(ChannelId, Sku, {
        description:
          "By channel: the SKU that stands for any article of it that nobody knows and that no person has mapped. Default none: such an order waits for a person.",
      }),
    ),
    onBooksRefusal: oneOf(
      ["ask", "compensate"],
      "The books refuse an order that is paid (S-49): ask a person, or take everything back.",
    ),
    capture: oneOf(
      ["once", "per shipment"],
      "Payment is captured in full when the first goods leave, or with each shipment its part.",
    ),
    paymentsFollow: Type.Readonly(
      Type.Array(ChannelId, {
        description:
          "Channels that report payments apart from the order: an order of theirs waits until its tenders cover it. Elsewhere the order says how it is paid, and what no tender covers is receivable.",
      }),
    ),
    onAccount: Type.Readonly(
      Type.Array(AccountRuleBlock, {
        description:
          "What becomes of orders that nobody has paid: the first rule that fits decides each part of an order. Where none fits, orders of `paymentsFollow` wait and others ship on account.",
      }),
    ),
    captureWithin: duration(
      "A channel that captures by itself has this long after the last goods left; then it is an exception. The order stays open until the payment is captured.",
    ),
    tellBeforeLapse: duration(
      "So long before an authorisation lapses somebody is told, when its goods have not left by then. Asked of the provider before the order is released, by the capability readsPayments.",
    ),
    askUnpaidAfter: Type.Optional(
      duration(
        "Of a channel of `paymentsFollow`, so long nobody is asked whether an order may ship unpaid: its payment may be on its way. Default two minutes.",
      ),
    ),
    payWithin: duration("An order that has not been paid after this time is an exception."),
    askReviewAfter: duration(
      "When an open fraud review is first looked up, because the message that it ended may be lost. The time doubles with each look.",
    ),
    askHoldsAfter: duration(
      "When a part that the channel holds back is first looked up, because the message that it was let go may be lost. The time doubles with each look.",
    ),
    holdWithin: duration(
      "A part that the channel has held back for this time is an exception. Scheduled parts wait for their time.",
    ),
    taxToleranceMinor: minor(
      "Charged tax may differ from the tax engine's by this much, in minor units, before an exception is raised. Charged tax always stands.",
    ),
    onLateEdit: oneOf(
      ["ask", "keep", "carry out what is paid"],
      "An edit after release to a location: ask a person, keep the order as it was, or carry it out at once where it leaves nothing more unpaid than before, as an exchange in the shop does, and ask otherwise. Another address is always asked about.",
    ),
    onOlderOrder: Type.Optional(
      oneOf(
        ["ask", "leave"],
        "An order that was placed before its channel was connected: ask a person whether to take it over (the default), or leave it to the system that had it. Nothing is cancelled or given back for it by itself.",
      ),
    ),
    shipWithin: duration("A location that has not shipped after this time is an exception."),
    routeAgainAfter: duration("How long to wait before routing is tried again for goods that no location has."),
    routing: Type.Object(
      {
        perKilometreMinor: minor("for each kilometre to the buyer"),
        perServiceDayMinor: minor("for each working day to the door"),
        splitPenaltyMinor: minor("for each parcel beyond the first"),
        fullnessMinor: minor("for a location at the end of its capacity, in proportion to how full it is"),
      },
      { ...closed, description: "What routing weighs against what, in minor units of the shop's currency." },
    ),
    locate: Type.Refine(
      Type.Unsafe<Locate>({
        description: "A function: where an address is, roughly; undefined leaves distance out.",
      }),
      (value) => typeof value === "function",
      () => "is no function",
    ),
    onClosedPeriod: oneOf(
      ["next open day", "ask"],
      "The books are closed for the day goods left: post on the first day of the next month that is open, at the latest today, or ask a person for a day.",
    ),
    restock: Type.Optional(
      oneOf(
        ["warehouse tells", "as the shop says"],
        "Units that a shop refunds after they left and says it put back on a shelf: the place reports them itself (the default, so that nothing counts twice), or Crossdock adds them to the stock of the place that the shop names, else of the one they left from.",
      ),
    ),
    timeZone: Type.Refine(
      Type.String({
        description:
          "Time zone of the company's business days: of orders, and of what a place without days of its own ships.",
      }),
      isTimeZone,
      () => "is no time zone this machine knows",
    ),
  },
  closed,
)

/** The retailer's decisions, and where the workflow reads the facts its own decisions need. */
export interface OrderPolicies extends Static<typeof OrderPolicyBlock> {
  /** The business day of a moment at a place; without one, or at a place the estate does not know, the company's. */
  businessDay: (at: Instant, locationId?: string) => BusinessDate
  /** Places that may ship now. */
  locations: () => Promise<ShippingLocation[]>
  /** When a channel was connected for the first time; undefined for a channel that is no connection. */
  firstDay: (channel: string) => string | undefined
  /** Free units by SKU and location. */
  freeStock: (skus: readonly string[]) => Promise<Map<string, Map<string, number>>>
  /** Which of these articles of a channel stand for other SKUs, and which nobody knows. */
  findArticles: (
    channel: string,
    articles: readonly string[],
    barcodes?: Readonly<Record<string, readonly string[]>>,
  ) => Promise<FoundArticles>
  /** What kits and sales units among these articles are made of, by our SKU, with the articles' names as `mapped`. */
  takeApart: FindParts
  /** What kits and sales units of an order were taken apart into (`order.taken-apart`). */
  madeOf: (orderId: string) => Promise<MadeOf[]>
  /** Has the order told (`stock.arrived`) when there is more of what it lacks. */
  noteWait: (wait: StockWait) => Promise<void>
  /** Whether it was told that the authorisation of a payment has lapsed, and nobody has decided it. */
  hasLapsed: (orderId: string, paymentId: string) => Promise<boolean>
  /** Who captures the payments of a channel's orders, as the estate declares it. */
  captures: (channel: string) => WhoCaptures
  /** From which places how much of each line of an order left. */
  shippedFrom: (orderId: string) => Promise<readonly { lineId: string; locationId: string; milli: number }[]>
  /** What the account of an order says of a refund that the shop tells of. */
  seenRefund: (orderId: string, refund: { refundId: string; currency: string }) => Promise<SeenRefund>
}

/** The policy for an order that the books refuse while it can still be taken back (S-49). */
export function ifBooksRefuse(
  order: Order,
  { onBooksRefusal }: OrderPolicies,
  system: string,
): Pick<EffectOptions<unknown, never>, "ifRejected"> {
  const text = {
    summary: `The ERP refused order ${order.number}, which is reserved and paid`,
    ifNobodyActs: "the order stays reserved and paid and is not booked",
    owner: "operations",
    allowedActions: ["retry", "cancel order"],
    atRisk: order.total.shop,
  }
  const ask = (refused: StepRejected) =>
    refused.code === "ARTICLE_UNKNOWN"
      ? unknownThere(order, { system, refused, text })
      : onBooksRefusal === "compensate"
        ? undefined
        : text
  return { ifRejected: { ask } }
}

/** Another system does not know an article: a question of data, answered by a mapping or by the article itself (P-34). */
export function unknownThere(
  order: Order,
  { system, refused, text }: { system: string; refused: StepRejected; text: ExceptionText },
): ExceptionText {
  const skus = order.lines.flatMap(({ sku, components = [] }) => [sku, ...components.map((one) => one.sku)])
  const named = skus.filter((sku) => refused.message.includes(sku)).sort((a, b) => b.length - a.length)
  const sku = named[0] ?? skus[0] ?? ""
  return {
    ...text,
    cause: causeOfUnknown(system),
    summary: `Order ${order.number} waits: ${system} does not know the article ${sku}. Create it there and retry, or say what it is called there: crossdock mappings set ${system} <its article> "${sku}". It said`,
    sku,
  }
}

/** What a person is asked when a system refuses what has happened already. */
export function refusedText(order: Order, summary: string) {
  return {
    summary,
    ifNobodyActs: "that system does not know of it",
    owner: "operations",
    allowedActions: ["retry", "leave it"],
    atRisk: order.total.shop,
  }
}
