import type { Product } from "../../api/catalogue-answers.ts"
import { en } from "../../texts/en.ts"

/** A value as one line: members with their names, parts one after another. */
export function valueText(value: unknown): string {
  if (value === undefined) return en.catalogue.cleared
  if (typeof value === "string") return value
  if (Array.isArray(value)) return value.map(valueText).join("; ")
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  return Object.entries(value)
    .map(([name, member]) => `${name} ${valueText(member)}`)
    .join(", ")
}

/** Where something holds: `shop-de de`, or everywhere. */
export function placeText(scope: object): string {
  const names = ["channel", "market", "locale", "location", "group", "unit", "minMilli"]
  const parts = names.flatMap((name) => {
    const value: unknown = Reflect.get(scope, name)
    return typeof value === "string" ? [value] : typeof value === "number" ? [`≥ ${value / 1000}`] : []
  })
  return parts.join(" ") || en.catalogue.everywhere
}

/** A title of a product, of whatever place. */
export function titleOf({ values }: Product): string {
  const title = values.find(({ field, value }) => field === "title" && typeof value === "string")?.value
  return typeof title === "string" ? title : ""
}
