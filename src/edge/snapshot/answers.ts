import { Type, type Static } from "typebox"
import { AppError } from "../../base/errors.ts"
import { CurrencyCode } from "../../base/money.ts"
import { epochMs, instant, type Clock } from "../../base/time.ts"
import { ChannelId, InstantText, Sku } from "../../canonical/parts.ts"
import { holds } from "../../canonical/catalogue/validity.ts"
import { LocaleId, MarketId } from "../../canonical/catalogue/scope.ts"
import { codeHash } from "../../canonical/pickups/code-hash.ts"
import {
  promotionCodeHash,
  type SnapshotArticle,
  type SnapshotPickup,
  type SnapshotPromotion,
  type SnapshotStock,
} from "../../canonical/sales/snapshot.ts"
import { validator } from "../../canonical/validate.ts"
import { validPrice } from "../../rules/prices/valid-price.ts"
import { valuesAt } from "../../rules/values-at.ts"
import type { CodeAttempts } from "./code-attempts.ts"
import type { Follow } from "./follow.ts"
import type { SnapshotFile } from "./snapshot-file.ts"
import type { Sold } from "./sold.ts"

const closed = { additionalProperties: false } as const
const Name = Type.String({ minLength: 1, maxLength: 64 })
const PriceAsked = Type.Object(
  {
    sku: { ...Sku, description: "a SKU of today or of earlier, or a GTIN" },
    at: Type.Optional(InstantText),
    currency: Type.Optional(CurrencyCode),
    channel: Type.Optional(ChannelId),
    market: Type.Optional(MarketId),
    locale: Type.Optional(LocaleId),
    group: Type.Optional(Name),
    unit: Type.Optional(Type.String({ minLength: 1, maxLength: 8 })),
    milli: Type.Optional(Type.String({ pattern: "^[1-9]\\d{0,11}$", description: "thousandths of the unit" })),
    code: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: "of a promotion" })),
  },
  closed,
)
const StockAsked = Type.Object({ sku: Sku }, closed)
const CodeAsked = Type.Object(
  {
    pickupId: Name,
    code: Type.String({ minLength: 1, maxLength: 32 }),
    tillId: Type.Optional({ ...Name, description: "the till that asks; without it all that do not say it are one" }),
  },
  closed,
)
const [prices, stock, code, nothing] = [
  validator(PriceAsked, "query"),
  validator(StockAsked, "query"),
  validator(CodeAsked, "body"),
  validator(Type.Object({}, closed), "query"),
]

interface Parts {
  storeId: string
  file: SnapshotFile
  sold: Sold
  follow: Pick<Follow, "age">
  clock: Clock
  attempts: Pick<CodeAttempts, "begin">
  staleAfterMs: number
  /** What questions ask for that do not say it. */
  channel?: string
  market?: string
}

/** How old an answer is: as the centre had it at `asOf`, `ageSeconds` ago. */
export interface Told {
  asOf: string
  ageSeconds: number
  /** Older than the store's people have said it may be. */
  isStale: boolean
}

/** What tills ask the agent while nothing else answers. Errors: REQUEST_INVALID, NOT_FOUND, VENDOR_UNAVAILABLE until everything was read once. */
export class Answers {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  told(): Told {
    const { isThere, asOf = "", ageMs = 0, trouble = "it is being read" } = this.#parts.follow.age()
    if (!isThere)
      throw new AppError("VENDOR_UNAVAILABLE", `the agent has nothing of the centre yet: ${trouble}`, {
        retryAfterMs: 5000,
      })
    return { asOf, ageSeconds: Math.round(ageMs / 1000), isStale: ageMs > this.#parts.staleAfterMs }
  }

  /** Which price holds at the store at a moment, by the centre's own rule, and which promotions may. */
  price(query: unknown): object {
    const { file, storeId, clock, channel, market } = this.#parts
    const told = this.told()
    const asked: Static<typeof PriceAsked> = {
      ...(channel && { channel }),
      ...(market && { market }),
      ...prices.parse(query),
    }
    const article = file.article(asked.sku)
    if (!article) throw new AppError("NOT_FOUND", `the store has no article ${asked.sku}`)
    const at = asked.at ?? instant(clock.now())
    const { sku: _, at: _at, locale, code: given, milli, ...question } = asked
    const currency = asked.currency ?? file.fact("currency") ?? ""
    const valid = validPrice(article.prices, {
      ...question,
      sku: article.sku,
      currency,
      location: storeId,
      ...(milli === undefined ? {} : { milli: Number(milli) }),
      atMs: epochMs(at),
    })
    const { price, why, changesAt, ambiguous } = valid
    const place = {
      location: storeId,
      ...(asked.channel && { channel: asked.channel }),
      ...(asked.market && { market: asked.market }),
      ...(locale && { locale }),
    }
    const values = valuesAt(article.values, place, epochMs(at)).filter(({ value }) => value !== undefined)
    return {
      sku: article.sku,
      at,
      ...told,
      ...(price ? { price } : {}),
      why,
      ...(changesAt === undefined ? {} : { changesAt }),
      ...(ambiguous.length > 0 ? { ambiguous } : {}),
      article: Object.fromEntries(values.map(({ field, value }) => [field, value])),
      promotions: this.#promotions(article, { ...asked, at, given }),
    }
  }

  #promotions(
    { sku, names }: SnapshotArticle,
    asked: {
      at: string
      given?: string | undefined
      channel?: string | undefined
      market?: string | undefined
      group?: string | undefined
    },
  ): object[] {
    // What is said of one channel is not known to hold at a till: without its channel it is told of none.
    return this.#parts.file.all<SnapshotPromotion>("promotion").flatMap(({ key, body: { promotion, codeHashes } }) => {
      const { skus, channels, market, validity, conditions } = promotion
      const isHere =
        asked.channel !== undefined &&
        channels.includes(asked.channel) &&
        (market === undefined || market === asked.market)
      const isFor = skus.length === 0 || [sku, ...names].some((name) => skus.includes(name))
      const isOpen = !conditions.groups || (asked.group !== undefined && conditions.groups.includes(asked.group))
      const isAsked =
        !codeHashes || (asked.given !== undefined && codeHashes.includes(promotionCodeHash(key, asked.given)))
      if (!isHere || !isFor || !isOpen || !isAsked || !holds(validity, epochMs(asked.at))) return []
      const { skus: _, ...told } = promotion
      return [{ promotionId: key, ...told }]
    })
  }

  /** What lies at the store, less what it sold since. */
  stock(query: unknown): object {
    const { file, sold } = this.#parts
    const told = this.told()
    const { sku } = stock.parse(query)
    const article = file.article(sku)
    const names = [...new Set([sku, ...(article ? [article.sku, ...article.names] : [])])]
    // The stock keeps the name that an article began with.
    const found = names.flatMap((name) => file.body<SnapshotStock>("stock", name) ?? [])[0]
    if (!found && !article) throw new AppError("NOT_FOUND", `the store has no article ${sku}`)
    const { onHandMilli: known = 0, reservedMilli = 0, countedAt } = found ?? {}
    const soldSinceMilli = sold.of(names, countedAt)
    const onHandMilli = known - soldSinceMilli
    return {
      sku: article?.sku ?? sku,
      ...told,
      onHandMilli,
      reservedMilli,
      availableMilli: Math.max(0, onHandMilli - reservedMilli),
      soldSinceMilli,
      ...(countedAt === undefined ? {} : { countedAt }),
    }
  }

  /** What is to be got ready and handed over, the oldest request first. */
  pickups(query: unknown): object {
    nothing.parse(query)
    const told = this.told()
    const items = this.#parts.file
      .all<SnapshotPickup>("pickup")
      .map(({ key: pickupId, body }) => {
        const { codeHash: _, ...pickup } = body
        return { pickupId, ...pickup }
      })
      .sort((a, b) => epochMs(a.requestedAt) - epochMs(b.requestedAt) || (a.pickupId < b.pickupId ? -1 : 1))
    return { ...told, items }
  }

  /** Whether a code is the one that the buyer of a pickup was sent. Errors: RATE_LIMITED after too many wrong ones, with the time to wait. */
  async isCode(body: unknown): Promise<object> {
    const told = this.told()
    const { pickupId, code: given, tillId = "?" } = code.parse(body)
    const pickup = this.#parts.file.body<SnapshotPickup>("pickup", pickupId)
    if (!pickup) throw new AppError("NOT_FOUND", `the store has no open pickup ${pickupId}`)
    if (pickup.codeHash === undefined)
      throw new AppError(
        "STATE_FORBIDS",
        "this pickup has no code: look at a document, or ask for name and order number",
      )
    const attempt = this.#parts.attempts.begin({ pickupId, tillId })
    const isCode = (await codeHash(pickupId, given)) === pickup.codeHash
    if (isCode) attempt.wasRight()
    else attempt.wasWrong()
    return { pickupId, ...told, isCode }
  }
}
