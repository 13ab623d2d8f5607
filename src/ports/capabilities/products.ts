import type { BulkWrite, ItemOutcome } from "../bulk-write.ts"
import type { Read, Written } from "../write.ts"

/** Fields of products that a channel may be able to show. */
export const publishedFields = ["title", "description", "state"] as const
/** A field of products that a channel may be able to show. */
export type PublishedField = (typeof publishedFields)[number]

/** Whether a channel sells a product, hides it until it is ready, or keeps it for its records. */
export type ShownState = "active" | "draft" | "archived"

/** Fields of a product in a channel. Only those that are named are written; an empty description takes it away. */
export interface ContentOfProduct {
  sku: string
  /** SKUs of its variants, where it is sold as variants: the channel knows the product by them. */
  variants: readonly string[]
  fields: Readonly<Partial<Record<PublishedField, string>>>
}

/** The fields of a product that a channel shows, as texts; a state that has no word of ours is the channel's. */
export interface PublishedProduct extends Written {
  fields: Readonly<Partial<Record<PublishedField, string>>>
}

/** Publishes products to a channel. It changes products that the channel has and makes none. */
export interface PublishesProducts {
  publishProducts: BulkWrite<ContentOfProduct, PublishedProduct>
  /** The fields that it can write. */
  writes: readonly PublishedField[]
  /** The states that it can tell apart; default all. Where it keeps nothing for the records, what is archived is a draft. */
  states?: readonly ShownState[]
  /** What the channel shows, in the order asked; at most `publishProducts.itemsMax`. */
  readProducts: Read<readonly Omit<ContentOfProduct, "fields">[], readonly ItemOutcome<PublishedProduct>[]>
}
