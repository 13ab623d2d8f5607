import { AppError, asAppError } from "../../../base/errors.ts"
import type { Call } from "../../../ports/write.ts"
import type { VendureClient } from "../client.ts"
import { objectOf } from "../payloads.ts"
import { variantsBySku } from "./read-variants.ts"
import { priceFields, type PriceOptions, type ShopList } from "./shop-prices.ts"

type Lists = Pick<PriceOptions, "own" | "lists" | "compareAtField">

/** Finds channels, currencies and a field of prices that the shop does not have, before anything is written there. */
export async function checkLists(
  client: VendureClient,
  { own, lists, compareAtField }: Lists,
  call: Omit<Call, "key">,
): Promise<void> {
  const named: [string, ShopList][] = [["prices", own], ...Object.entries(lists).map(at)]
  const problems: { pointer: string; message: string }[] = []
  const known = new Map<string, string>()
  for (const [pointer, { channel, currency }] of named) {
    const { token, currencies } = await channelOf(client, { channel, compareAtField, call }).catch(
      (thrown: unknown) => {
        const error = asAppError(thrown)
        if (error.code !== "VENDOR_REJECTED" && error.code !== "VENDOR_MISBEHAVED") throw thrown
        problems.push({ pointer: `/${pointer}`, message: error.message })
        return { token: undefined, currencies: [currency] }
      },
    )
    if (!currencies.includes(currency))
      problems.push({
        pointer: `/${pointer}/currency`,
        message: `the shop's channel has prices in ${currencies.join(", ")}`,
      })
    // One list may name the default channel by its token, and another leave it out.
    const place = `${token} ${currency}`
    const same = token === undefined ? undefined : known.get(place)
    if (same !== undefined)
      problems.push({ pointer: `/${pointer}`, message: `/${same} is the same prices of the shop` })
    known.set(place, pointer)
  }
  if (problems.length > 0)
    throw new AppError(
      "CONFIG_INVALID",
      `the shop lacks what the connection names: ${problems.map(({ pointer, message }) => `${pointer}: ${message}`).join("; ")}`,
      { problems },
    )
}

const at = ([market, list]: [string, ShopList]): [string, ShopList] => [`prices/lists/${market}`, list]

async function channelOf(
  client: VendureClient,
  {
    channel,
    compareAtField,
    call,
  }: { channel: string | undefined; compareAtField: string | undefined; call: Omit<Call, "key"> },
): Promise<{ token: string | undefined; currencies: readonly string[] }> {
  const fields = priceFields({ compareAtField })
  // Of an empty list of SKUs the shop makes SQL that its database refuses.
  return (await variantsBySku({ skus: ["-"], fields, channel, client, call })).channel
}

/** A language that the shop does not show would be written where nobody reads it. */
export async function checkLanguage(client: VendureClient, language: string, call: Omit<Call, "key">): Promise<void> {
  const query = "{ globalSettings { availableLanguages } }"
  const { availableLanguages } = objectOf((await client.read({ query, variables: {}, call }))["globalSettings"])
  const known = Array.isArray(availableLanguages) ? availableLanguages.map(String) : []
  if (!known.includes(language))
    throw new AppError("CONFIG_INVALID", `the shop has texts in ${known.join(", ")}, not in ${language}`, {
      problems: [{ pointer: "/products/language", message: `must be one of ${known.join(", ")}` }],
    })
}
