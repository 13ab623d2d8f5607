import type { Problem } from "../../base/errors.ts"
import type { Kit, Units } from "../../canonical/catalogue/product.ts"
import { partsMax } from "../../canonical/stock/made-of.ts"
import { depthMax, type Composition, type Edge } from "./graph.ts"

/** What is known of articles when a kit or units are written. */
export interface Known {
  composition: Composition
  /** The SKU of today of an article that had others. */
  today: (sku: string) => string
  isKnown: (sku: string) => boolean
  /** What lies or is reserved somewhere under its own SKU. */
  ownMilli: (sku: string) => number
}

/** The product that is written. */
export interface Of {
  productId: string
  sku: string
}

/** What a kit says of its article; nothing where the kit has stock of its own. */
export function edgesOfKit(
  { productId, sku }: Of,
  { stock, components }: Kit,
  { today }: Pick<Known, "today">,
): Edge[] {
  if (stock === "own") return []
  return components.map((one) => ({ sku, part: today(one.sku), milli: one.milli, productId }))
}

/** What units say of the articles that they are sold as. */
export function edgesOfUnits({ productId, sku: part }: Of, { sales }: Units): Edge[] {
  return sales.flatMap(({ sku, baseMilli }) => (sku === undefined ? [] : [{ sku, part, milli: baseMilli, productId }]))
}

/** Every problem of a kit, each with its place. */
export function kitProblems(of: Of, kit: Kit, known: Known): Problem[] {
  const { today, composition } = known
  const names = kit.components.map(({ sku }) => today(sku))
  const problems = kit.components.flatMap(({ sku }, n): Problem[] => {
    const pointer = `/set/components/${n}/sku`
    const name = names[n] ?? sku
    if (name === of.sku) return [{ pointer, message: `${sku} is the kit itself` }]
    if (names.indexOf(name) < n)
      return [{ pointer, message: `${sku} stands there twice; say once how much of it is in the kit` }]
    if (!known.isKnown(sku))
      return [{ pointer, message: `nobody knows ${sku}: write the component first, or in the same request` }]
    return []
  })
  if (kit.stock === "own" || problems.length > 0) return problems
  const units = composition.saidBy(of.productId).filter(({ sku }) => sku !== of.sku)
  const next = composition.with(of.productId, [...units, ...edgesOfKit(of, kit, known)])
  for (const [n, { sku, milli }] of kit.components.entries()) {
    const name = names[n] ?? sku
    if (milli % 1000 !== 0 && next.partsOf(name).length > 0)
      problems.push({
        pointer: `/set/components/${n}/milli`,
        message: `${sku} is a kit or a sales unit itself, and those go in whole: ${milli} is no multiple of 1000`,
      })
  }
  const others = composition.partsOf(of.sku).filter(({ productId }) => productId !== of.productId)
  if (others.length > 0)
    problems.push({ pointer: "/set", message: `${of.sku} is a sales unit of ${others[0]?.part ?? ""} already` })
  return [...problems, ...ownStock(of.sku, "/set/stock", known), ...shapeProblems(of.sku, next, "/set/components")]
}

/** Every problem of units, each with its place. */
export function unitProblems(of: Of, units: Units, known: Known): Problem[] {
  const { composition, today } = known
  const problems = units.sales.flatMap(({ unit, sku }, n): Problem[] => {
    const at = `/set/sales/${n}`
    const found: Problem[] = []
    if (unit === units.base)
      found.push({ pointer: `${at}/unit`, message: `${unit} is the base unit, which is sold without being listed` })
    if (units.sales.findIndex((one) => one.unit === unit) < n)
      found.push({ pointer: `${at}/unit`, message: `${unit} stands there twice` })
    if (sku === undefined) return found
    const pointer = `${at}/sku`
    if (today(sku) === of.sku) return [...found, { pointer, message: `${sku} is the product itself, in its base unit` }]
    if (units.sales.findIndex((one) => one.sku === sku) < n)
      return [...found, { pointer, message: `${sku} stands there twice` }]
    const other = composition.partsOf(sku).find(({ productId }) => productId !== of.productId)
    if (other) return [...found, { pointer, message: `${sku} is made of ${other.part} already` }]
    return [...found, ...ownStock(sku, pointer, known)]
  })
  if (problems.length > 0) return problems
  const kit = composition.saidBy(of.productId).filter(({ sku }) => sku === of.sku)
  const next = composition.with(of.productId, [...kit, ...edgesOfUnits(of, units)])
  return units.sales.flatMap(({ sku }, n) => (sku === undefined ? [] : shapeProblems(sku, next, `/set/sales/${n}/sku`)))
}

function ownStock(sku: string, pointer: string, { ownMilli, composition }: Known): Problem[] {
  const milli = ownMilli(sku)
  // What is made of parts already keeps no stock; what is left of earlier times stays as it is.
  if (milli === 0 || composition.partsOf(sku).length > 0) return []
  return [
    {
      pointer,
      message: `${sku} has stock of its own: up to ${milli / 1000} lie or are reserved at a place. Book it to its parts first; a kit that is put together beforehand has stock "own"`,
    },
  ]
}

/** What is wrong with the whole: a circle, too deep, too many goods; of the article and of those that hold it. */
function shapeProblems(sku: string, next: Composition, pointer: string): Problem[] {
  const circle = next.circle(sku)
  if (circle) return [{ pointer, message: `goes round in a circle: ${circle.join(" > ")}` }]
  const depth = next.depth(sku, "below") + next.depth(sku, "above")
  if (depth > depthMax) return [{ pointer, message: `kits would lie ${depth} deep in kits; ${depthMax} is the most` }]
  const problems: Problem[] = []
  for (const over of next.allOver(sku)) {
    const count = next.goods(over).size
    if (count > partsMax)
      problems.push({ pointer, message: `${over} would be ${count} different goods; ${partsMax} is the most` })
  }
  for (const { sku: over, milli } of next.over(sku))
    if (milli % 1000 !== 0)
      problems.push({ pointer, message: `${over} holds ${milli / 1000} of ${sku}, and a kit goes in whole` })
  return problems
}
