import { derivedId } from "../../base/ids.ts"
import { storage, type Sql } from "../../base/sql.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import { ref } from "../../canonical/refs.ts"
import type { StockLedger } from "../stock-ledger.ts"
import { partsOf, type Part } from "./read-parts.ts"

/** Books movements of goods, and refuses those of articles that have no stock of their own: the goods are their parts'. */
export function refusingMadeOfParts(
  ledger: Pick<StockLedger, "applyMovements">,
  sql: Sql,
): Pick<StockLedger, "applyMovements"> {
  return {
    async applyMovements(movements) {
      const made = await madeOfParts(
        sql,
        movements.map(({ sku }) => sku),
      )
      if (made.size === 0) return ledger.applyMovements(movements)
      const parts = await partsOf(sql, [...made])
      const booked = await ledger.applyMovements(movements.filter(({ sku }) => !made.has(sku)))
      let next = 0
      return movements.flatMap(({ fact, sku }) => {
        if (!made.has(sku)) return booked[next++] ?? []
        const message = `${sku} has no stock of its own. Book ${textOf(parts.get(sku) ?? [])} instead; a kit that is put together beforehand has stock "own"`
        return { fact, applied: false, duplicate: false, problems: [{ pointer: "/sku", message }] }
      })
    },
  }
}

async function madeOfParts(sql: Sql, skus: readonly string[]): Promise<Set<string>> {
  const rows = await storage(
    () => sql<{ sku: string }[]>`
      select distinct sku from stock_parts where sku = any (${[...new Set(skus)]}::text[])`,
  )
  return new Set(rows.map(({ sku }) => sku))
}

function textOf(parts: readonly Part[]): string {
  const [first, ...others] = parts.map(({ sku, milli }) => `${milli / 1000} × ${sku}`)
  return others.length === 0 ? (first ?? "its parts") : `${first} and ${others.slice(0, 4).join(", ")}`
}

/** A movement that another system told of a kit or a sales unit: nothing was booked. One case for each source and article. */
export function refusedMovement({
  source,
  sku,
  told,
  why,
  at,
}: {
  source: string
  sku: string
  told: string
  why: string
  at: string
}): NewEvent {
  const exceptionId = derivedId("exc", "no own stock", source, sku)
  return newEvent({
    type: "exception.opened",
    fact: `exception:${exceptionId}`,
    source: "crossdock:stock",
    time: at,
    data: {
      exceptionId,
      about: ref("sku", sku),
      cause: "article has no stock of its own",
      summary: `${source} tells of ${sku}: ${told}. It was not booked: ${why}.`.slice(0, 1000),
      doneSoFar: ["nothing was booked; what is told of its parts is"],
      ifNobodyActs: `what ${source} tells of ${sku} is left out`,
      allowedActions: ["acknowledge"],
      owner: "inventory",
      sku,
      because: { kind: "data", operation: "book stock", value: source.slice(0, 200) },
      at,
    },
  })
}
