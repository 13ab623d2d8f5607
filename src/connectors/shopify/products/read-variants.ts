import type { ItemOutcome } from "../../../ports/bulk-write.ts"
import type { Call } from "../../../ports/write.ts"
import type { UpdateOptions } from "../client.ts"
import { readVariants } from "../graph/operations.ts"
import type { Reader } from "../orders/reader.ts"
import { rejection } from "../stock/read-levels.ts"

const skusOfOneRead = 50

/** A variant of the shop with its product. Amounts are texts in the shop's own currency. */
export interface ShopVariant {
  id: string
  sku: string
  price: string
  compareAtPrice: string | undefined
  product: { id: string; title: string; descriptionHtml: string; status: string; isAlone: boolean }
}

/** A variant, or why there is none. */
type LocatedVariant = ShopVariant | Extract<ItemOutcome<never>, { kind: "rejected" }>

/** Variants by the exact SKU, 50 SKUs a read; the shop searches without regard to case. */
export async function variantsBySku(
  skus: readonly string[],
  { client, call }: UpdateOptions & { call: Omit<Call, "key"> },
): Promise<Map<string, ShopVariant[]>> {
  const found: ShopVariant[] = []
  const asked = [...new Set(skus)]
  for (let from = 0; from < asked.length; from += skusOfOneRead) {
    const part = asked.slice(from, from + skusOfOneRead)
    const query = part.map((sku) => `sku:"${sku.replaceAll(/["\\]/g, "\\$&")}"`).join(" OR ")
    let after: string | undefined
    do {
      const variables = { query, first: skusOfOneRead, ...(after === undefined ? {} : { after }) }
      const page = (await client.read({ document: readVariants, variables, call })).object("productVariants")
      found.push(...page.list("nodes").map(variantOf))
      const info = page.object("pageInfo")
      after = info.flag("hasNextPage") ? info.text("endCursor") : undefined
      page.settleAnswer("variants")
    } while (after !== undefined)
  }
  return Map.groupBy(found, ({ sku }) => sku)
}

/** The one variant of a SKU. */
export function onlyVariant(found: ReadonlyMap<string, readonly ShopVariant[]>, sku: string): LocatedVariant {
  const [only, second] = found.get(sku) ?? []
  const pointer = "/sku"
  if (!only) return rejection("ARTICLE_UNKNOWN", `the shop has no variant with the SKU ${sku}`, { pointer })
  if (second)
    return rejection("VENDOR_CONFLICT", `two variants of the shop have the SKU ${sku}: ${only.id} and ${second.id}`, {
      pointer,
      vendorCode: "SKU_REPEATED",
    })
  return only
}

function variantOf(node: Reader): ShopVariant {
  const product = node.object("product")
  return {
    id: node.text("id"),
    sku: node.optionalText("sku") ?? "",
    price: node.text("price"),
    compareAtPrice: node.optionalText("compareAtPrice"),
    product: {
      id: product.text("id"),
      title: product.optionalText("title") ?? "",
      descriptionHtml: product.optionalText("descriptionHtml") ?? "",
      status: product.text("status"),
      isAlone: product.flag("hasOnlyDefaultVariant"),
    },
  }
}

/** The number at the end of a global id. */
export const numberOf = (id: string): string => id.split("/").at(-1) ?? id
