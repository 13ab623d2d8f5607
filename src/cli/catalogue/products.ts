import { AppError } from "../../base/errors.ts"
import { table } from "../table.ts"
import { needed, pageOf, pageText, withApi, withoutCursor, type Page } from "../with-api.ts"
import { exportFile, importFile } from "./files.ts"

interface Value {
  field: string
  scope: Record<string, string>
  value?: unknown
  by: string
  rule: string
  at: string
  layer: string
  until?: string
}
interface Product {
  sku: string
  productId: string
  earlierSkus: string[]
  values: Value[]
  complete: { channel?: string; locale?: string; missing: string[]; isComplete: boolean }[]
}
interface Fact {
  event: string
  time: string
  by: string
  rule: string
  policy: string
  changes?: { field: string; scope?: object; set?: unknown; clear?: true }[]
  to?: string
}

/** `crossdock products …`: products with who said what, and files of them. */
export function runProducts(args: string[]): Promise<number> {
  const options = { "dry-run": { type: "boolean", default: false } } as const
  return withApi(args, options, async (api, { values, positionals }) => {
    const [act, ...rest] = positionals
    const sku = () => encodeURIComponent(needed(rest, "a SKU"))
    if (act === "import")
      return importFile(api, "products", {
        file: needed(rest, "the file to import"),
        dryRun: values["dry-run"] === true,
      })
    if (act === "export") return exportFile(api, "products", needed(rest, "the file to write"))
    if (act === "show") {
      const product = await api.get<Product>(`/v1/products/${sku()}`)
      return { data: product, text: () => productText(product) }
    }
    if (act === "lineage") {
      const { items } = await api.get<Page<Fact>>(`/v1/products/${sku()}/lineage`)
      return { data: { items }, text: () => table(["at", "by", "what", "rule", "rules' version"], items.map(factRow)) }
    }
    if (act === "rename") {
      const [from, to] = rest
      if (from === undefined || to === undefined)
        throw new AppError("REQUEST_INVALID", "say: crossdock products rename <SKU> <new SKU>")
      const data = await api.post<{ outcome: string; why?: string }>(`/v1/products/${sku()}/renaming`, { to })
      return {
        data,
        text: () => `${from} is ${to} now: ${data.outcome}${data.why === undefined ? "" : `, ${data.why}`}`,
      }
    }
    const query = { beginning: act, ...pageOf(values) }
    const page = await api.get<Page<Product>>("/v1/products", query)
    const list = {
      command: withoutCursor(["products", ...args]),
      path: "/v1/products",
      query,
      page,
      none: "there is no product",
    }
    return {
      data: page,
      text: () =>
        pageText(api, {
          ...list,
          text: (items) => table(["SKU", "title", "fields", "not complete in"], items.map(productRow)),
        }),
    }
  })
}

function productRow({ sku, values, complete }: Product): string[] {
  const title = values.find(({ field, value }) => field === "title" && typeof value === "string")?.value
  const lacking = complete.filter(({ isComplete }) => !isComplete).map(placeText)
  return [sku, typeof title === "string" ? title : "", String(values.length), lacking.join(", ")]
}

const placeText = ({ channel, locale }: { channel?: string; locale?: string }) =>
  [channel, locale].filter((one) => one !== undefined).join(" ") || "everywhere"
const scopeWords = (scope: object) => Object.values(scope).join(" ")
const valueText = (value: unknown) =>
  typeof value === "string" ? value : value === undefined ? "(cleared)" : JSON.stringify(value)

function productText({ sku, productId, earlierSkus, values, complete }: Product): string {
  const rows = values.map(({ field, scope, value, by, rule, at, layer, until }) => [
    field,
    scopeWords(scope),
    by,
    at,
    layer === "override" ? `override until ${until ?? ""}` : rule,
    valueText(value),
  ])
  return [
    `${sku} (${productId})${earlierSkus.length > 0 ? `, before: ${earlierSkus.join(", ")}` : ""}`,
    ...complete.map((one) => `${placeText(one)}: ${one.isComplete ? "complete" : `lacks ${one.missing.join(", ")}`}`),
    table(["field", "where", "said by", "at", "rule", "value"], rows),
  ].join("\n")
}

function factRow({ event, time, by, rule, policy, changes = [], to }: Fact): string[] {
  const what = changes.map(
    ({ field, scope = {}, set, clear }) =>
      `${[field, scopeWords(scope)].filter((one) => one !== "").join(" ")}: ${clear ? "(cleared)" : valueText(set)}`,
  )
  return [time, by, what.join("; ") || `${event} ${to ?? ""}`, rule, policy]
}
