import type { ErrorCode, Problem } from "../../base/errors.ts"
import type { Money } from "../../base/money.ts"
import type { EventName, NewEvent } from "../../canonical/events.ts"
import type { Reference } from "../../canonical/parts.ts"
import type { Ref } from "../../canonical/refs.ts"
import type { Read } from "../write.ts"

/** A raw message as it came in. `bytes` are exactly the bytes received. */
export interface Delivery {
  connection: string
  via: "webhook" | "poll" | "api" | "file"
  headers: Record<string, string>
  bytes: Uint8Array
  receivedAt: string
}

/** A delivery whose signature fits, with the names its sender gave it. */
export interface VerifiedDelivery {
  /** The sender's id of this delivery, for the replay window and the duplicate report; never an identity of a fact. */
  deliveryId: string
  topic: string
  /** When the sender says it sent it; undefined where the protocol carries no time. */
  sentAtMs?: number
}

/** Verifies and translates deliveries of one system. */
export interface ReceivesDeliveries {
  /** The event types it states. A fact of any other type is refused, whatever a signed body says. */
  states: readonly EventName[]
  /** Checks the signature over the raw bytes with every live secret. Throws SIGNATURE_INVALID. Pure but for the clock given. */
  verify(delivery: Delivery, nowMs: number): VerifiedDelivery
  /**
   * Translates raw bytes into canonical facts; pure. Throws TRANSLATION_FAILED or VENDOR_VALUE_UNKNOWN with every problem when
   * nothing of the delivery can be used; the row then waits with its bytes. A delivery of several records names the bad ones in
   * `refused` instead of throwing, so that the others go on.
   */
  translate(delivery: Delivery): Translation
}

/** The result of translating a delivery. */
export interface Translation {
  events: NewEvent[]
  /** Why there are no events, or what was left out on purpose. */
  ignored?: string
  /** Records of the delivery that cannot be translated. Each raises an exception of its own. */
  refused?: readonly RefusedRecord[]
  /** What of an order it read whole; exceptions about earlier odd parts end with it. */
  readWhole?: readonly ReadWhole[]
  /** Objects that the delivery only names. Each is read by `readsObjects` and comes back as a delivery. */
  fetch?: readonly ObjectName[]
}

/** One record of a delivery that cannot be translated. Pointers are into the whole delivery. */
export interface RefusedRecord {
  /** JSON pointer of the record, e.g. `/lines/3`. */
  pointer: string
  code: Extract<ErrorCode, "TRANSLATION_FAILED" | "VENDOR_VALUE_UNKNOWN">
  message: string
  /** The object the record is about, when its name could be read. */
  about?: Reference
  problems: readonly Problem[]
  /** Set for a part of an order: it waits under this name, whichever delivery states it. */
  part?: OrderPart
}

/** A part of an order that waits alone, while the rest of the order goes on. */
export interface OrderPart {
  /** Where the part can tell its fact one day, that fact; `<connection>:order:<external id>:` and more. */
  name: string
  /** The object that this fact is about, where it is not the order: told already, nothing waits for it. */
  factAbout?: Ref
  /** The time of the state that it was found in. A later state without it settles it. */
  at: string
  /** What people call the order. */
  number?: string
  money?: Money
  /** What it waits for, when it could be read; absent: somebody has to look at how it is written. */
  waitsFor?: AwaitedNews
}

/** News that a part of an order waits for, as people are told of it. */
export interface AwaitedNews {
  /** Cause of the exception: `refund is on its way`. */
  cause: string
  ifNobodyActs: string
  owner: "integration" | "finance"
}

/** What a delivery read whole: parts whose names begin so, and that it does not refuse itself, wait no longer. */
export interface ReadWhole {
  prefix: string
  at: string
  /**
   * Ids of the parts of this kind that it has, for systems that count in seconds: of two states of one moment, one without a part
   * may be the older one, and ends nothing of that part. Their names go on as `{prefix}:{id}`.
   */
  has?: readonly string[]
}

/** An object of another system by its own name there. */
export interface ObjectName {
  /** A type that the connector's `fetchObject` knows, e.g. `order`. */
  type: string
  id: string
}

/** Reads single objects of a system. */
export interface ReadsObjects {
  /** Returns the object as a delivery that `translate` reads, or undefined when the system does not have it. */
  fetchObject: Read<ObjectName, Delivery | undefined>
}

/** One page of changed objects, each as a delivery for the inbox. */
export interface ChangesPage {
  deliveries: Delivery[]
  /** Where the next call starts. Equal to the given cursor when there is nothing new. */
  nextCursor: string
  hasMore: boolean
}

/**
 * A list of changed objects, which finds what webhooks missed.
 *
 * `sinceMs` is inclusive. The connector overlaps its windows by what the vendor's clock needs (late commits, timestamps of the
 * start of a transaction), so the union of the pages covers every record. Duplicates are expected and collapse by fact.
 *
 * Poll by a time that always moves. Vendure's `updatedAt` does not change on payment, shipping and refund; Tryton's `write_date`
 * is the start of the transaction and appears late. A connector whose list finds only new objects says so in its folder.
 * A snapshot may be inconsistent: Vendure returned empty lines with the old total while it cancelled an order. Where the
 * vendor's sums show that, the connector reads the object again before it becomes a delivery.
 */
export interface ChangeList {
  /** Default overlap in milliseconds, from what is known of the vendor's timestamps. */
  overlapMs: number
  /**
   * True when it lists what is, and not what happened: its first pass reads everything, also what last changed before the first day of
   * the connection.
   */
  beginsWithAll?: boolean
  /** True when the cursor is a position in a list that only grows at its end, so a pass continues where the last one ended. */
  isCursorLasting?: boolean
  listChanges: Read<{ cursor: string | undefined; sinceMs: number }, ChangesPage>
  /**
   * Says why objects from a moment on cannot all be read, in words for the person who asked for them; undefined where they can. A list
   * without it has no limit.
   */
  refusesSince?: Read<{ sinceMs: number }, string | undefined>
  /**
   * The same page with deliveries that only name the objects. It is asked for when a page cannot be read, so that one object the
   * system cannot show stops no other: each is then read by itself, and the bad one is an exception of its own.
   */
  listNames?: Read<{ cursor: string | undefined; sinceMs: number }, ChangesPage>
}

/** The change lists of a system by name, e.g. `orders`. Each list has a cursor of its own; a renamed list starts anew. */
export type ListsChanges = Readonly<Record<string, ChangeList>>

/** A subscription to one topic, as the vendor holds it. */
export interface Subscription {
  id: string
  topic: string
  /** Where it delivers to. */
  address: string
  /** Other properties of the subscription that matter to us, as text; compared with `expectedForm`. */
  form: string
}

/**
 * Keeps webhook subscriptions. Vendors remove or disable subscriptions after failed deliveries, often without a word (P-05).
 *
 * `list` returns only subscriptions of this app. `create` and `remove` may be repeated: creating what is there and removing
 * what is gone change nothing.
 */
export interface KeepsSubscriptions {
  /** Topics the connector translates. */
  topics: readonly string[]
  /** The form every subscription must have, e.g. `json`. */
  expectedForm: string
  listSubscriptions: Read<void, readonly Subscription[]>
  createSubscription: Read<{ topic: string; address: string }, void>
  removeSubscription: Read<{ id: string }, void>
}
