// Channels of Vendure 3.7.3 as `real.md` describes them: each has prices of its own; texts and states are those of all.

export type Channel = {
  id: string
  token: string
  code: string
  defaultCurrencyCode: string
  availableCurrencyCodes: string[]
  pricesIncludeTax: boolean
  defaultLanguageCode: string
}

export class ChannelNotFound extends Error {}

const channel = (id: string, token: string, more: Partial<Channel> = {}): Channel => ({
  id,
  token,
  code: token,
  defaultCurrencyCode: "EUR",
  availableCurrencyCodes: ["EUR"],
  pricesIncludeTax: true,
  defaultLanguageCode: "en",
  ...more,
})

/** The first is the default one: what names no channel is about it. */
export const channels: readonly [Channel, ...Channel[]] = [
  channel("1", "lab-default", { code: "__default_channel__", availableCurrencyCodes: ["EUR", "USD"] }),
  channel("2", "lab-swiss", { defaultCurrencyCode: "CHF", availableCurrencyCodes: ["CHF", "EUR"] }),
  channel("3", "lab-trade", { pricesIncludeTax: false }),
]

/** Languages of the shop (`globalSettings.availableLanguages`). */
export const languages = ["en", "de"]

/** The channel of a call. A shop with one channel takes any token; this one has several. */
export function channelOf(token: unknown): Channel {
  if (token === undefined || token === "") return channels[0]
  const found = channels.find((one) => one.token === token)
  if (!found) throw new ChannelNotFound(`No Channel with the token "${String(token)}" could be found`)
  return found
}
