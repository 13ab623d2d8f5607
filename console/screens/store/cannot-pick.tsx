import { useRef, useState } from "react"
import { change } from "../../api/client.ts"
import type { Account, LineAccount } from "../../api/answers.ts"
import type { PlaceOrder } from "../../api/store-answers.ts"
import { queryClient, useApi } from "../../api/use-api.ts"
import { ConfirmDialog } from "../../parts/dialog.tsx"
import { Loaded } from "../../parts/page.tsx"
import { en } from "../../texts/en.ts"

const t = en.store

interface CannotPickProps {
  order: PlaceOrder
  place: string
  onClose: () => void
  onDone: () => void
}

/** What of an order is not to be found here. All that it takes from here, unless somebody says less. */
export function CannotPick({ order, place, onClose, onDone }: CannotPickProps) {
  const account = useApi<Account>(`/v1/orders/${encodeURIComponent(order.orderId)}/account`)
  const [missing, setMissing] = useState<Readonly<Record<string, number>>>({})
  const id = useRef(crypto.randomUUID())
  const wanted = linesHere(order, account.data?.lines ?? [])
  const lines = wanted.flatMap(({ line, milli }) => {
    const count = missing[line.lineId] ?? milli / 1000
    return count > 0 ? [{ lineId: line.lineId, quantity: { milli: Math.round(count * 1000), unit: line.unit } }] : []
  })
  const report = async () => {
    const body = { id: id.current, locationId: place, lines }
    await change("POST", `/v1/orders/${encodeURIComponent(order.orderId)}/shortages`, { body })
    await queryClient.invalidateQueries()
  }
  return (
    <ConfirmDialog
      title={t.notFoundTitle(order.number)}
      does={t.notFoundDoes}
      confirm={t.notFoundConfirm}
      isReady={lines.length > 0}
      onConfirm={report}
      onDone={onDone}
      onClose={onClose}
    >
      <Loaded reading={account} lines={2}>
        {() =>
          wanted.map(({ line, milli }) => (
            <label className="field" key={line.lineId}>
              <span>{t.missingOf(`${line.title} (${line.sku})`)}</span>
              <input
                type="number"
                min={0}
                max={milli / 1000}
                step={line.unit === "ea" ? 1 : 0.001}
                inputMode="decimal"
                value={missing[line.lineId] ?? milli / 1000}
                onChange={({ target }) => setMissing({ ...missing, [line.lineId]: target.valueAsNumber || 0 })}
              />
            </label>
          ))
        }
      </Loaded>
    </ConfirmDialog>
  )
}

/** The order's lines of which this place holds goods; a kit's parts are held under their own SKUs, so it is named whole. */
function linesHere(order: PlaceOrder, lines: readonly LineAccount[]): { line: LineAccount; milli: number }[] {
  const held = new Map(order.lines.map(({ sku, heldMilli }) => [sku, heldMilli]))
  const open = lines.filter(({ allocatedMilli, shippedMilli }) => allocatedMilli > shippedMilli)
  const named = open.filter(({ sku }) => held.has(sku))
  return (named.length > 0 ? named : open).map((line) => ({
    line,
    milli: Math.min(line.allocatedMilli - line.shippedMilli, held.get(line.sku) ?? Number.POSITIVE_INFINITY),
  }))
}
