import type { SimulatorContext } from "../simulator.ts"
import { channels, type Channel } from "./channels.ts"
import { Internal, UserInput } from "./refusals.ts"

// Prices of variants in Vendure 3.7.3 as `real.md` describes them: one for each channel and currency, whatever they include.

export type Price = {
  channelId: string
  currencyCode: string
  price: number
  /** `compareAt` is a custom field of this shop's prices. */
  customFields: { compareAt: number | null }
}
export type PriceInput = {
  currencyCode: string
  price: number
  delete?: boolean | null
  customFields?: { compareAt?: number | null } | null
}
export type PriceChange = {
  variantId: string
  channelId: string
  currencyCode: string
  price: number | null
  compareAt: number | null
  by: "api" | "staff"
}
type Writing = { variantId: string; channel: Channel; by?: PriceChange["by"] }

/** Prices by the variant's id. A price of another channel is never shown. */
export class ShopPrices {
  readonly #prices: Map<string, Price[]>
  readonly changes: Map<string, PriceChange>

  constructor({ keep }: Pick<SimulatorContext, "keep">) {
    this.#prices = keep<string, Price[]>("prices")
    this.changes = keep<string, PriceChange>("priceChanges")
  }

  /** A variant that is made, or assigned to a channel, has a price in the channel's default currency. */
  open(variantId: string, channelIds: readonly string[], price: number): void {
    const made = channels
      .filter(({ id }) => channelIds.includes(id))
      .map(({ id, defaultCurrencyCode: currencyCode }) => ({
        channelId: id,
        currencyCode,
        price,
        customFields: { compareAt: null },
      }))
    this.#prices.set(variantId, made)
  }

  of(variantId: string, channel: Channel): Price[] {
    return (this.#prices.get(variantId) ?? []).filter(({ channelId }) => channelId === channel.id)
  }

  all(): [string, Price[]][] {
    return [...this.#prices]
  }

  /** All inputs are checked before the first is written. */
  check(inputs: readonly PriceInput[], channel: Channel): void {
    for (const { currencyCode, price, delete: isDeleted } of inputs) {
      if (isDeleted === true) continue
      if (!channel.availableCurrencyCodes.includes(currencyCode))
        throw new UserInput(`The currency "${currencyCode}" is not available in the current Channel`)
      if (typeof price !== "number" || !Number.isFinite(price))
        throw new UserInput(`Money cannot represent non numeric value: ${String(price)}`)
      // `Money` is a Float of the API and an integer of the database.
      if (!Number.isInteger(price)) throw new Internal(`invalid input syntax for type integer: "${price}"`)
      if (Math.abs(price) > 2 ** 31 - 1) throw new Internal(`value "${price}" is out of range for type integer`)
    }
  }

  write(inputs: readonly PriceInput[], { variantId, channel, by = "api" }: Writing): void {
    const rows = this.#prices.get(variantId) ?? []
    for (const { currencyCode, price, delete: isDeleted, customFields } of inputs) {
      const found = rows.find((row) => row.channelId === channel.id && row.currencyCode === currencyCode)
      const note = (written: number | null, compareAt: number | null) =>
        this.changes.set(String(this.changes.size + 1), {
          variantId,
          channelId: channel.id,
          currencyCode,
          price: written,
          compareAt,
          by,
        })
      if (isDeleted === true) {
        if (found) {
          rows.splice(rows.indexOf(found), 1)
          note(null, null)
        }
        continue
      }
      // Custom fields that are not given stay as they are.
      const compareAt =
        customFields?.compareAt === undefined ? (found?.customFields.compareAt ?? null) : customFields.compareAt
      const row = { channelId: channel.id, currencyCode, price, customFields: { compareAt } }
      if (found) Object.assign(found, row)
      else rows.push(row)
      note(price, compareAt)
    }
    this.#prices.set(variantId, rows)
  }

  clear(): void {
    this.#prices.clear()
    this.changes.clear()
  }
}
