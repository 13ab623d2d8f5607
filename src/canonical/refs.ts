import { Type } from "typebox"

/**
 * Every kind of business object, with the parts that name one. `isObject` says that links to and from it are kept: an
 * order's links to a SKU would only say that it was sold once more. `isShared` says that objects which have nothing to do with each
 * other are linked to it: two orders of one customer.
 */
export const refKinds = {
  order: { parts: "order id", isObject: true },
  return: { parts: "return id", isObject: true },
  pickup: { parts: "pickup id", isObject: true },
  shipment: { parts: "order id, the warehouse's shipment id", isObject: true },
  delivery: { parts: "id of the delivery of goods to a buyer", isObject: true },
  payment: { parts: "order id, tender id", isObject: true },
  giftCard: { parts: "gift card id", isObject: true, isShared: true },
  credit: { parts: "number of the credit: what the books give back for a refund", isObject: true },
  journalEntry: { parts: "number of the entry", isObject: true },
  document: { parts: "system, type, number in that system", isObject: true },
  purchaseOrder: { parts: "purchase order id", isObject: true },
  inboundShipment: { parts: "number of a shipping notice (ASN)", isObject: true },
  adjustment: { parts: "adjustment id", isObject: true },
  transfer: { parts: "transfer id", isObject: true },
  sale: { parts: "store, till, business day, epoch, number of the receipt", isObject: true },
  storeDay: { parts: "store and business date in one, e.g. 117:2026-11-20", isObject: true, isShared: true },
  till: { parts: "store, till", isObject: true, isShared: true },
  store: { parts: "store", isObject: false },
  location: { parts: "location id", isObject: false },
  sku: { parts: "SKU", isObject: false },
  stock: { parts: "location id, SKU", isObject: false },
  listing: { parts: "channel, its id of the article", isObject: false },
  price: { parts: "product id; in reports the SKU", isObject: false },
  promotion: { parts: "promotion id", isObject: false },
  product: { parts: "product id", isObject: false },
  customer: { parts: "customer id", isObject: true, isShared: true },
  supplier: { parts: "supplier id", isObject: false },
  channel: { parts: "channel", isObject: false },
  connection: { parts: "connection id", isObject: false },
  inbox: { parts: "number of a message in the inbox", isObject: false },
  subscription: { parts: "subscription name", isObject: false },
  reader: { parts: "name of a background reader", isObject: false },
  workflow: { parts: "workflow name, key of the instance", isObject: false },
  exception: { parts: "exception id", isObject: false },
  mode: { parts: "name of a mode", isObject: false },
} as const

/** A kind of business object. */
export type RefKind = keyof typeof refKinds
/** The one name of a business object everywhere in Crossdock: `order/ord_…`, `till/117/3`, `stock/117/TEE-M`. */
export type Ref = `${RefKind}/${string}`

const part = "(?:[^/%\\u0000-\\u001f\\u007f]|%[0-9A-F]{2})+"

/** Schema of a ref. */
export const Ref = Type.Unsafe<Ref>(
  Type.String({
    pattern: `^(?:${Object.keys(refKinds).join("|")})(?:/${part})+$`,
    maxLength: 1024,
    description: "kind and parts, e.g. order/ord_…, stock/117/TEE-M; a `/` or `%` in a part is percent-encoded",
  }),
)

/**
 * Makes the name of an object. Two different lists of parts never give the same text, because `/`, `%` and control
 * characters in a part are percent-encoded. It never throws, so that one bad value cannot stop a batch; a name with an
 * empty part fails the schema `Ref`.
 */
export function ref(kind: RefKind, first: string, ...more: readonly string[]): Ref {
  return `${kind}/${[first, ...more].map(encodePart).join("/")}`
}

/** Kind and parts of a ref. Undefined for a text that `ref` cannot have made, so that no object has two names. */
export function parseRef(text: string): { kind: RefKind; parts: [string, ...string[]] } | undefined {
  const [kind = "", ...encoded] = text.split("/")
  const [first, ...more] = encoded.map(decodePart)
  if (!isRefKind(kind) || first === undefined || first === "" || more.includes("")) return undefined
  return ref(kind, first, ...more) === text ? { kind, parts: [first, ...more] } : undefined
}

/** Whether a text is a kind. */
function isRefKind(text: string): text is RefKind {
  return Object.hasOwn(refKinds, text)
}

/** The order that a ref names or belongs to (a shipment, a payment); undefined for others. */
export function orderIdIn(named: string): string | undefined {
  const parsed = parseRef(named)
  return parsed?.parts.find((one) => /^ord_[0-9a-z]{16}$/.test(one))
}

/** Whether objects that have nothing to do with each other are linked to this one. */
export function isShared(named: Ref): boolean {
  return "isShared" in refKinds[named.slice(0, named.indexOf("/")) as RefKind]
}

/** Those of some refs that are objects of their own, each once and never the one they are linked to. */
export function linkedObjects(from: Ref, mentions: readonly Ref[]): Ref[] {
  const kindOf = (named: Ref) => refKinds[named.slice(0, named.indexOf("/")) as RefKind]
  if (!kindOf(from).isObject) return []
  return [...new Set(mentions)].filter((named) => named !== from && kindOf(named).isObject)
}

function encodePart(text: string): string {
  // eslint-disable-next-line no-control-regex -- the expression looks for control characters
  return text.replaceAll(/[/%\u0000-\u001f\u007f]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`
  })
}

function decodePart(text: string): string {
  return text.replaceAll(/%([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
