import type { Money } from "../../base/money.ts"
import type { BulkWrite, ItemOutcome } from "../bulk-write.ts"
import type { Read, Written } from "../write.ts"

/** The price of one SKU in one list of a channel. */
export interface PricePlace {
  sku: string
  /** The market whose list it is; left out: the channel's own price. */
  market?: string
  /** Whether the amounts include tax; a channel that knows that its own are of the other kind refuses them. */
  taxBasis?: "inclusive" | "exclusive"
}

/** The price a channel is to show. */
export interface PriceOfChannel extends PricePlace {
  amount: Money
  /** Crossed out beside it, above it. Left out: nothing is crossed out, and what is there is taken away. */
  compareAt?: Money
}

/** The price a channel shows. `reference` is the channel's own id of the article. */
export interface PublishedPrice extends Written {
  /** Absent: it has none in that list yet, which can be set. */
  amount?: Money
  compareAt?: Money
}

/**
 * Publishes prices to a channel. Prices are absolute, so the last one written is the one that stands.
 *
 * An article that the channel does not have is `ARTICLE_UNKNOWN`, one SKU of several articles `VENDOR_CONFLICT`. A crossed-out price that
 * the channel cannot show is refused, never left out.
 */
export interface PublishesPrices {
  publishPrices: BulkWrite<PriceOfChannel, PublishedPrice>
  /** What the channel shows, in the order asked; at most `publishPrices.itemsMax`. */
  readPrices: Read<readonly PricePlace[], readonly ItemOutcome<PublishedPrice>[]>
}
