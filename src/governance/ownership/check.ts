import type { Problem } from "../../base/errors.ts"
import { contentDigest } from "../../base/ids.ts"
import { priceTypes } from "../../canonical/catalogue/price.ts"
import { productFields } from "../../canonical/catalogue/product.ts"
import { scopeKeys } from "../../canonical/catalogue/scope.ts"
import { isRole } from "../people/roles.ts"
import { ruleName, spanToMs, type FieldPattern, type OwnedField, type Ownership } from "./own.ts"
import { coversField, tie } from "./resolve.ts"

/** Every field that has an owner. */
const ownedFields: readonly OwnedField[] = [
  ...Object.keys({ ...productFields, sku: undefined }).map((name) => `product.${name}` as OwnedField),
  ...priceTypes.map((type): OwnedField => `price.${type}`),
  "promotion.terms",
  "stock.count",
  "stock.promise",
]

const patterns = new Set<string>([...ownedFields, "product.*", "price.*", "stock.*"])
const foreignWrites = ["restore", "adopt", "hold", "alert"]

/** Every problem of an estate's rules of ownership: fields without an owner, ties, owners that do not exist. */
export function ownershipProblems(rules: readonly Ownership[], connections: readonly string[]): Problem[] {
  return [
    ...rules.flatMap((rule, n) =>
      messagesOf(rule, connections).map((message) => ({
        pointer: `/ownership/${n}`,
        message: `${ruleName(rule)}: ${message}`,
      })),
    ),
    ...ties(rules),
    ...ownerless(rules),
  ]
}

function messagesOf(rule: Ownership, connections: readonly string[]): string[] {
  const { field, scope, owner, to = [], foreign, fresh } = rule
  const isKnown = (name: string) => connections.includes(name) || /^api:[\w.-]+$/.test(name)
  const here = `there are ${connections.join(", ")}`
  return [
    ...(patterns.has(field) ? [] : [`there is no field ${field}`]),
    ...Object.keys(scope)
      .filter((key) => !scopeKeys.some((known) => known === key))
      .map((key) => `"${key}" is no dimension; there are ${scopeKeys.join(", ")}`),
    ...Object.entries(scope).flatMap(([key, value]) =>
      /^([^*]+\*?|\*)$/.test(value)
        ? []
        : [`${key} "${value}" is neither a value nor the beginning of one with * at its end`],
    ),
    ...(owner === "people" || isKnown(owner)
      ? []
      : [`its owner "${owner}" is no connection, nor people, nor api:<consumer>; ${here}`]),
    ...to.filter((name) => !isKnown(name)).map((name) => `goes to "${name}", which is no connection; ${here}`),
    ...to.filter((name) => name === owner).map((name) => `goes to "${name}", which owns it`),
    ...(foreign === undefined || foreignWrites.includes(foreign)
      ? []
      : [`foreign "${String(foreign)}" is none of ${foreignWrites.join(", ")}`]),
    ...(fresh === undefined || spanToMs(fresh) !== undefined ? [] : [`fresh "${fresh}" is no time like 5m`]),
    ...overrideMessages(rule),
  ]
}

function overrideMessages({ override, field }: Ownership): string[] {
  if (!override) return []
  const { by, within, until } = override
  const isPrice = field.startsWith("price.")
  return [
    ...(isRole(by) || by.startsWith("api:") ? [] : [`"${by}", who may override, is no role and no api:<consumer>`]),
    ...(spanToMs(until) ? [] : [`an override ends: "${until}" is no time like 7d`]),
    ...(within === undefined || /^\d{1,3}(\.\d{1,2})?%$/.test(within)
      ? []
      : [`within "${within}" is no share like 10%`]),
    ...(within === undefined || isPrice ? [] : ["only a price can deviate by a share"]),
  ]
}

function ties(rules: readonly Ownership[]): Problem[] {
  return rules.flatMap((rule, n) =>
    rules.slice(n + 1).flatMap((other, more) => {
      if (!tie(rule, other)) return []
      const message = `${ruleName(rule)} and ${ruleName(other)} are equally specific, and there are values that both cover`
      return [{ pointer: `/ownership/${n + 1 + more}`, message }]
    }),
  )
}

/** A field with no rule for everywhere has scopes that nobody owns. */
function ownerless(rules: readonly Ownership[]): Problem[] {
  const everywhere = rules.filter(({ scope }) => Object.keys(scope).length === 0)
  return ownedFields
    .filter((field) => !everywhere.some((rule) => coversField(rule.field as FieldPattern, field)))
    .map((field) => ({
      pointer: "/ownership",
      message: `${field} has no owner where no other rule holds: own("${field}", {}, …)`,
    }))
}

/** Names the rules as they are now; lineage says under which version a value was taken. */
export function policyVersion(rules: readonly Ownership[]): string {
  return contentDigest(rules.map((rule) => ({ ...rule })).sort((a, b) => (ruleName(a) < ruleName(b) ? -1 : 1))).slice(
    0,
    16,
  )
}
