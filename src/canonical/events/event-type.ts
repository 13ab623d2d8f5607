import type { Static, TObject, TProperties, TSchema } from "typebox"
import { entity, OrderId, type Reference } from "../parts.ts"
import { ref, type Ref } from "../refs.ts"

/** One event type of the catalogue: the schema of its data, its object, and its publisher. */
export interface EventType<Schema extends TSchema = TSchema> {
  schema: Schema
  version: number
  publisher: "connector" | "workflow" | "gateway" | "operations"
  summary: string
  /** The object the event is about. Events about one object are applied in order. */
  about(data: Static<Schema>): Ref
  /** The other objects it names. */
  mentions(data: Static<Schema>): Ref[]
  /** What systems call the object it is about: ids and numbers people look it up by. */
  names(data: Static<Schema>): Reference[]
  /** Valid data, as the documentation shows it. */
  example: Static<Schema>
}

type Optional = "version" | "mentions" | "names"

/** An entry of the catalogue; `mentions` and `names` may be left out when the data has none. */
export function eventType<Schema extends TSchema>(
  entry: Omit<EventType<Schema>, Optional> & Partial<Pick<EventType<Schema>, Optional>>,
): EventType<Schema> {
  return { version: 1, mentions: () => [], names: () => [], ...entry }
}

/** The schema of a fact about one order: `orderId` and the given properties. */
export function orderFact<Properties extends TProperties>(
  title: string,
  properties: Properties,
): TObject<{ orderId: typeof OrderId } & Properties> {
  return entity(title, { orderId: OrderId, ...properties })
}

/** The object of every fact of an order. */
export function aboutOrder(data: { orderId: string }): Ref {
  return ref("order", data.orderId)
}

/** A parcel's number. Systems spell carriers differently, so one number is one name whoever tells it. */
export function trackingName(trackingNumber: string | undefined): Reference[] {
  return trackingNumber ? [{ system: "carrier", type: "tracking number", id: trackingNumber }] : []
}
