import type { FastifyInstance } from "fastify"
import { controlBody } from "../../control.ts"
import type { ShopStore } from "../store.ts"
import { priceLists, type ArticleChange } from "./product-book.ts"

const texts = ["title", "descriptionHtml", "status", "vendor"] as const

/** The staff changes a product or a price; the shop shows late, or never, what it has accepted. */
export function addProductControls(app: FastifyInstance, store: ShopStore): void {
  app.put("/__lab/products", (request, reply) => {
    const body = controlBody(request)
    const article = store.products.bySku(String(body["sku"]))
    if (!article) return reply.code(404).send({ error: "needs a sku that exists" })
    const { priceMinor, compareAtMinor } = body
    const change: ArticleChange = {
      ...Object.fromEntries(texts.flatMap((key) => (typeof body[key] === "string" ? [[key, body[key]]] : []))),
      ...(typeof priceMinor === "number" ? { priceMinor } : {}),
      ...(typeof compareAtMinor === "number" || compareAtMinor === null ? { compareAtMinor } : {}),
    }
    const list = priceLists.find(({ id }) => id === body["list"])
    if (list && typeof priceMinor === "number")
      store.products.fix(list, article, { price: { priceMinor, compareAtMinor: null }, by: "staff" })
    else store.products.change(article, change, "staff")
    return { ...article }
  })
  app.put("/__lab/products/showing", (request) => {
    const { lagMs, swallow } = controlBody(request)
    if (typeof lagMs === "number") store.products.lagMs = lagMs
    if (Array.isArray(swallow)) {
      store.products.swallowed.clear()
      for (const sku of swallow) store.products.swallowed.add(String(sku))
    }
    return { lagMs: store.products.lagMs, swallow: [...store.products.swallowed] }
  })
}
