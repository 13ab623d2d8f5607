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

/** `crossdock mappings [set|remove …]`: what articles of channels stand for in the stock. */
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
    const { items } = await api.get<Page<Mapping>>("/v1/article-mappings", { channel: word(values["channel"]) })
    const row = (one: Mapping) => [one.channel, one.article, one.sku, one.setBy, one.setAt, one.reason ?? ""]
    const head = ["channel", "article", "SKU", "set by", "at", ""]
    return { data: { items }, text: () => (items.length > 0 ? table(head, items.map(row)) : "no article is mapped") }
  })
}
