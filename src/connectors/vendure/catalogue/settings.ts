import { Type, type Static } from "typebox"
import { AppError, type Problem } from "../../../base/errors.ts"
import { CurrencyCode, minorDigits } from "../../../base/money.ts"
import { MarketId } from "../../../canonical/catalogue/scope.ts"

const listFields = {
  channel: Type.Optional(
    Type.String({ minLength: 1, description: "token of the shop's channel; default its default channel" }),
  ),
  currency: CurrencyCode,
}

/** `prices` of the connection. */
export const PriceSettings = Type.Object(
  {
    ...listFields,
    lists: Type.Optional(
      Type.Record(MarketId, Type.Object(listFields, { additionalProperties: false }), {
        description: "where the shop has the prices of each market that has its own",
      }),
    ),
    compareAtField: Type.Optional(
      Type.String({
        pattern: "^[A-Za-z_][A-Za-z0-9_]*$",
        description:
          "custom field of ProductVariantPrice, of type int and nullable, that the storefront shows as the crossed-out price; absent: a crossed-out price is refused",
      }),
    ),
  },
  { additionalProperties: false, description: "where the shop has its prices; absent: none is published" },
)

export function listsOf({ lists = {}, compareAtField, ...own }: Static<typeof PriceSettings>) {
  return { own, lists, compareAtField }
}

/**
 * Refuses lists that would overwrite each other, and a currency whose minor unit is not the hundredth while nobody says how the shop writes
 * it: 1,000 yen may be 1000 there, or 100000. CONFIG_INVALID says all at once.
 */
export function assertLists(settings: Static<typeof PriceSettings>, moneyDigits: number | undefined): void {
  const { own, lists } = listsOf(settings)
  const named = [
    { pointer: "/prices", ...own },
    ...Object.entries(lists).map(([market, list]) => ({ pointer: `/prices/lists/${market}`, ...list })),
  ]
  const problems: Problem[] = []
  for (const [n, { pointer, channel, currency }] of named.entries()) {
    const same = named.slice(0, n).find((one) => one.channel === channel && one.currency === currency)
    if (same)
      problems.push({
        pointer,
        message: `${same.pointer} is the same prices of the shop: name another channel or currency`,
      })
    if (moneyDigits === undefined && minorDigits(currency) !== 2)
      problems.push({
        pointer: `${pointer}/currency`,
        message: `${currency} has ${minorDigits(currency)} decimal places: set moneyDigits to those with which the shop writes it`,
      })
  }
  if (problems.length > 0)
    throw new AppError(
      "CONFIG_INVALID",
      `prices cannot be published so: ${problems.map(({ pointer, message }) => `${pointer}: ${message}`).join("; ")}`,
      { problems },
    )
}

/** `products` of the connection. */
export const ProductSettings = Type.Object(
  {
    language: Type.String({
      pattern: "^[a-z]{2,3}(_[A-Za-z]+)?$",
      description: "language of the texts that are published, one of the shop's: de, pt_BR",
    }),
  },
  { additionalProperties: false, description: "how products are published; absent: none is" },
)
