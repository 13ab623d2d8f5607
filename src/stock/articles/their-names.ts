import { AppError } from "../../base/errors.ts"
import { own } from "../../base/lookup.ts"
import { storage, type Sql } from "../../base/sql.ts"
import { monotonicMs } from "../../base/time.ts"

/** By our SKU: what another system calls the article. */
type Names = Readonly<Record<string, string>>

const freshForMs = 10_000

/**
 * What connections call our articles, where people said so. Kept in memory for a while, and read anew when a system says that it
 * does not know an article: a person may have named it since.
 */
export class TheirNames {
  readonly #sql: Sql
  #names: Readonly<Record<string, Names>> = {}
  #readMs = -Infinity

  constructor(sql: Sql) {
    this.#sql = sql
  }

  /** Sends something to a system with its own names of our articles. What it refuses as unknown is sent once more if its name is new. */
  async send<Input, Output>(system: string, input: Input, send: (input: Input) => Promise<Output>): Promise<Output> {
    if (monotonicMs() - this.#readMs > freshForMs) await this.#read()
    const sent = renamed(input, own(this.#names, system) ?? {})
    try {
      return await send(sent)
    } catch (thrown) {
      if (!(thrown instanceof AppError) || thrown.code !== "ARTICLE_UNKNOWN") throw thrown
      await this.#read()
      const again = renamed(input, own(this.#names, system) ?? {})
      if (JSON.stringify(again) === JSON.stringify(sent)) throw thrown
      return send(again)
    }
  }

  async #read(): Promise<void> {
    const rows = await storage(
      () => this.#sql<{ channel: string; names: Names }[]>`
        select channel, json_object_agg(sku, article order by set_at) as names from article_mappings group by channel`,
    )
    this.#names = Object.fromEntries(rows.map(({ channel, names }) => [channel, names]))
    this.#readMs = monotonicMs()
  }
}

/** The same value with other SKUs, however deep they stand. */
function renamed<Value>(value: Value, names: Names): Value {
  if (Object.keys(names).length === 0) return value
  const walk = (part: unknown, key: string): unknown => {
    if (key === "sku" && typeof part === "string") return own(names, part) ?? part
    if (Array.isArray(part)) return part.map((one: unknown) => walk(one, ""))
    if (typeof part !== "object" || part === null) return part
    return Object.fromEntries(Object.entries(part).map(([name, one]) => [name, walk(one, name)]))
  }
  // Only texts have changed.
  return walk(value, "") as Value
}
