import { AppError } from "../../base/errors.ts"
import { table } from "../table.ts"
import { withApi, word, type Page } from "../with-api.ts"

interface Mapping {
  channel: string
  article: string
  sku: string
  setBy: string
  setAt: string
  reason?: string
}

interface UnknownArticle {
  channel: string
  article: string
  barcodes: string[]
  orders: number
  since: string
  candidates: { sku: string; barcode?: string; hasNoStock?: true }[]
}

/** `crossdock mappings [set|remove …]`: what articles of channels stand for in the stock, and which ones orders wait for. */
export function runMappings(args: string[]): Promise<number> {
  const options = { reason: { type: "string" }, channel: { type: "string" } } as const
  return withApi(args, options, async (api, { values, positionals: [action, channel, article, sku] }) => {
    const reason = word(values["reason"]) ?? "by command line"
    if (action === "set" && sku !== undefined) {
      const body = { channel, article, sku, reason }
      const answer = await api.post<{ ordersGoOn: number }>("/v1/article-mappings", body)
      return {
        data: answer,
        text: () => `${article} of ${channel} is ${sku}; ${answer.ordersGoOn} waiting orders go on`,
      }
    }
    if (action === "remove" && article !== undefined) {
      const answer = await api.post<{ wasThere: boolean }>("/v1/article-mappings/removal", { channel, article, reason })
      return {
        data: answer,
        text: () => (answer.wasThere ? `${article} of ${channel} is mapped no more` : "there was none"),
      }
    }
    if (action !== undefined)
      throw new AppError(
        "REQUEST_INVALID",
        "say: crossdock mappings set <channel> <article> <SKU>, or crossdock mappings remove <channel> <article>",
      )
    const channelOnly = { channel: word(values["channel"]) }
    const [{ items }, unknown] = await Promise.all([
      api.get<Page<Mapping>>("/v1/article-mappings", channelOnly),
      api.get<{ items: UnknownArticle[]; total: number }>("/v1/unknown-articles", channelOnly),
    ])
    return { data: { items, unknown }, text: () => `${mappedText(items)}\n${unknownText(unknown)}` }
  })
}

function mappedText(items: readonly Mapping[]): string {
  const row = (one: Mapping) => [one.channel, one.article, one.sku, one.setBy, one.setAt, one.reason ?? ""]
  return items.length > 0
    ? table(["channel", "article", "SKU", "set by", "at", ""], items.map(row))
    : "no article is mapped"
}

function candidateText({ sku, barcode, hasNoStock }: UnknownArticle["candidates"][number]): string {
  const why = [barcode === undefined ? [] : `barcode ${barcode}`, hasNoStock ? "never had stock" : []].flat().join(", ")
  return why === "" ? sku : `${sku} (${why})`
}

function unknownText({ items, total }: { items: readonly UnknownArticle[]; total: number }): string {
  if (items.length === 0) return "no order waits for an article that nobody knows"
  const row = ({ channel, article, orders, since, candidates }: UnknownArticle) => {
    return [
      channel,
      article,
      String(orders),
      since,
      candidates.map(candidateText).join(", ") || "nothing like it is known",
    ]
  }
  const left = total > items.length ? `\n${items.length} of ${total}` : ""
  return `\n${table(["channel", "unknown article", "orders wait", "since", "it may be"], items.map(row))}${left}
say what one is: crossdock mappings set <channel> <article> <SKU>`
}
