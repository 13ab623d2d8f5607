/** One piece of an article holds so much of a part; said by a product. Thousandths. */
export interface Edge {
  sku: string
  part: string
  milli: number
  productId: string
}

/** How deep kits may lie in kits; `stock_parts_depth` in sql/0265-stock-parts.sql is the same number. */
export const depthMax = 4

/** What articles are made of, as far as it concerns some of them. Circles in it are walked once. */
export class Composition {
  readonly #edges: Edge[]

  constructor(edges: readonly Edge[]) {
    this.#edges = [...edges]
  }

  /** Replaces all that a product says. */
  say(productId: string, edges: readonly Edge[]): void {
    const others = this.#edges.filter((edge) => edge.productId !== productId)
    this.#edges.splice(0, this.#edges.length, ...others, ...edges)
  }

  /** The same, without changing this one. */
  with(productId: string, edges: readonly Edge[]): Composition {
    const next = new Composition(this.#edges)
    next.say(productId, edges)
    return next
  }

  partsOf(sku: string): Edge[] {
    return this.#edges.filter((edge) => edge.sku === sku)
  }

  /** Articles that hold it as a part. */
  over(sku: string): Edge[] {
    return this.#edges.filter((edge) => edge.part === sku)
  }

  /** What a product says. */
  saidBy(productId: string): Edge[] {
    return this.#edges.filter((edge) => edge.productId === productId)
  }

  /** The way from an article back to itself; undefined when there is none. */
  circle(sku: string, from: string = sku, way: readonly string[] = [sku]): string[] | undefined {
    for (const { part } of this.partsOf(from)) {
      if (part === sku) return [...way, part]
      if (way.includes(part)) continue
      const found = this.circle(sku, part, [...way, part])
      if (found) return found
    }
    return undefined
  }

  /** How many steps lie below an article, or above it. Only asked where there is no circle; it ends anyhow. */
  depth(sku: string, side: "below" | "above", steps = 0): number {
    if (steps > depthMax) return 0
    const next = side === "below" ? this.partsOf(sku).map(({ part }) => part) : this.over(sku).map((edge) => edge.sku)
    return Math.max(0, ...next.map((one) => 1 + this.depth(one, side, steps + 1)))
  }

  /** The goods that an article is in the end. */
  goods(sku: string, way: readonly string[] = []): Set<string> {
    const parts = this.partsOf(sku)
    if (parts.length === 0 || way.includes(sku)) return new Set([sku])
    return new Set(parts.flatMap(({ part }) => [...this.goods(part, [...way, sku])]))
  }

  /** Every article above one, itself included. */
  allOver(sku: string, found: Set<string> = new Set([sku])): Set<string> {
    for (const { sku: over } of this.over(sku)) {
      if (found.has(over)) continue
      found.add(over)
      this.allOver(over, found)
    }
    return found
  }
}
