import type { Problem } from "../../../base/errors.ts"
import { candidatesText } from "../../../canonical/catalogue/article-candidates.ts"
import { barcodesByArticle } from "../../../canonical/catalogue/barcodes.ts"
import { leavesShelf } from "../../../canonical/order.ts"
import type { Articles } from "../../../stock/articles/articles.ts"
import type { OrderRequest } from "../../requests/order-request.ts"

/** Problems of the goods of an order that nobody knows, each with what it may be: its sender can correct them. */
export async function unknownSkus(articles: Pick<Articles, "find">, order: OrderRequest): Promise<Problem[]> {
  const goods = order.lines.flatMap((line, index) => {
    if (!leavesShelf(line)) return []
    if (!line.components) return [{ sku: line.sku, pointer: `/lines/${index}/sku` }]
    return line.components.map(({ sku }, at) => ({ sku, pointer: `/lines/${index}/components/${at}/sku` }))
  })
  const { unknown } = await articles.find(
    order.channel,
    goods.map(({ sku }) => sku),
    barcodesByArticle(order.lines),
  )
  return goods.flatMap(({ sku, pointer }) => {
    const found = unknown.find(({ article }) => article === sku)
    if (!found) return []
    const hint = found.candidates.length > 0 ? `; it may be ${candidatesText(found.candidates)}` : ""
    return [{ pointer, code: "STOCK_UNKNOWN" as const, message: `${sku} is not a SKU that ever had stock${hint}` }]
  })
}
