import type { Drawer } from "./state.ts"

/** Converts a record that is not plain data to plain data and back. */
export type Packing<V> = { pack(value: V): unknown; unpack(packed: unknown): V }

/**
 * A map that begins with the records of the former run and keeps every change; without a drawer it is a plain map.
 * A record that is changed in place must be marked with `changed`.
 */
export class KeptMap<K extends string | number, V> extends Map<K, V> {
  readonly #drawer: Drawer | undefined
  readonly #packing: Packing<V> | undefined

  constructor(drawer: Drawer | undefined, packing?: Packing<V>) {
    super()
    this.#drawer = drawer
    this.#packing = packing
    for (const pair of drawer?.load() ?? []) {
      // Written below by this class alone, as pairs of key and record.
      const [key, value] = pair as [K, V]
      super.set(key, packing === undefined ? value : packing.unpack(value))
    }
  }

  override set(key: K, value: V): this {
    super.set(key, value)
    this.#drawer?.mark(key, () => [key, this.#packing === undefined ? value : this.#packing.pack(value)])
    return this
  }

  override delete(key: K): boolean {
    const wasThere = super.delete(key)
    if (wasThere) this.#drawer?.remove(key)
    return wasThere
  }

  override clear(): void {
    super.clear()
    this.#drawer?.clear()
  }

  /** Marks a record that was changed in place; call it just before or just after the change. */
  changed(key: K): void {
    const value = this.get(key)
    if (value !== undefined) this.set(key, value)
  }
}

/** A list that only grows, kept the same way. */
export class KeptList<V> {
  readonly #items: KeptMap<number, V>

  constructor(drawer: Drawer | undefined) {
    this.#items = new KeptMap(drawer)
  }

  get size(): number {
    return this.#items.size
  }

  add(item: V): void {
    this.#items.set(this.#items.size, item)
  }

  slice(from: number, to: number): V[] {
    const found: V[] = []
    for (let at = from; at < Math.min(to, this.#items.size); at++) {
      const item = this.#items.get(at)
      if (item !== undefined) found.push(item)
    }
    return found
  }

  all(): IterableIterator<V> {
    return this.#items.values()
  }

  clear(): void {
    this.#items.clear()
  }
}
