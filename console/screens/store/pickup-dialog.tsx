import { useRef, useState } from "react"
import { change } from "../../api/client.ts"
import type { OnePickup, Pickup } from "../../api/store-answers.ts"
import { queryClient, useApi } from "../../api/use-api.ts"
import { ConfirmDialog } from "../../parts/dialog.tsx"
import { Loaded } from "../../parts/page.tsx"
import { en } from "../../texts/en.ts"
import type { NextAct } from "./pickup-act.ts"
import { lineText, Parts, PickupGoods } from "./pickup-goods.tsx"

const t = en.pickups

interface Props {
  pickup: Pickup
  act: NextAct
  onClose: () => void
  onDone: () => void
}

type Counts = Readonly<Record<string, number>>

/** Says what was found, handed over or put back, with what follows. */
export function PickupDialog({ pickup, act, onClose, onDone }: Props) {
  const path = `/v1/pickups/${encodeURIComponent(pickup.pickupId)}`
  const reading = useApi<OnePickup>(path)
  const [missing, setMissing] = useState<Counts>({})
  const [shown, setShown] = useState({ code: "", hasDocument: false, tracking: "" })
  const id = useRef(crypto.randomUUID())
  const one = reading.data
  const report = async () => {
    if (!one) return
    const body = { id: id.current, ...bodyOf(one, { act, missing, shown }) }
    await change("POST", `${path}/${act.replace(" ", "-")}`, { body })
    await queryClient.invalidateQueries()
  }
  return (
    <ConfirmDialog
      title={t.titles[act](pickup.number)}
      does={act === "hand over" && pickup.method === "ship" ? t.doesShip : t.does[act]}
      confirm={t.confirms[act]}
      isReady={one !== undefined && isReady(one, { act, shown })}
      onConfirm={report}
      onDone={onDone}
      onClose={onClose}
    >
      <Loaded reading={reading} lines={2}>
        {(known) =>
          act === "pick" ? (
            <Missing one={known} missing={missing} onChange={setMissing} />
          ) : act === "hand over" ? (
            <HandOver one={known} shown={shown} onChange={setShown} />
          ) : (
            <PickupGoods lines={known.lines} count={({ toPutBackMilli }) => toPutBackMilli} />
          )
        }
      </Loaded>
    </ConfirmDialog>
  )
}

interface Shown {
  code: string
  hasDocument: boolean
  tracking: string
}

function isReady({ method, asksId, asksCode }: OnePickup, { act, shown }: { act: NextAct; shown: Shown }): boolean {
  if (act !== "hand over" || method === "ship") return true
  if (asksId) return shown.hasDocument
  return !asksCode || shown.hasDocument || shown.code.trim() !== ""
}

function bodyOf(one: OnePickup, of: { act: NextAct; missing: Counts; shown: Shown }): object {
  const { act, missing, shown } = of
  if (act === "pick") {
    const parts = (count: (open: number, lineId: string) => number) =>
      one.lines.flatMap(({ lineId, unit, toFindMilli }) => {
        const milli = count(toFindMilli, lineId)
        return milli > 0 ? [{ lineId, quantity: { milli, unit } }] : []
      })
    const missingOf = (open: number, lineId: string) => Math.min(open, Math.round((missing[lineId] ?? 0) * 1000))
    const [found, notThere] = [parts((open, lineId) => open - missingOf(open, lineId)), parts(missingOf)]
    return { ...(found.length > 0 ? { found } : {}), ...(notThere.length > 0 ? { missing: notThere } : {}) }
  }
  if (act === "put back") return {}
  if (one.method === "ship") return shown.tracking.trim() === "" ? {} : { trackingNumber: shown.tracking.trim() }
  const proof = shown.hasDocument ? "identity document" : shown.code.trim() === "" ? "name and order number" : "code"
  return { ...(shown.code.trim() === "" ? {} : { code: shown.code.trim() }), proof }
}

/** Everything is found, unless somebody says less. */
function Missing({ one, missing, onChange }: { one: OnePickup; missing: Counts; onChange: (missing: Counts) => void }) {
  return one.lines
    .filter(({ toFindMilli }) => toFindMilli > 0)
    .map((line) => (
      <div key={line.lineId}>
        <label className="field">
          <span>{t.missingOf(lineText(line, line.toFindMilli))}</span>
          <input
            type="number"
            min={0}
            max={line.toFindMilli / 1000}
            step={line.unit === "ea" ? 1 : 0.001}
            inputMode="decimal"
            value={missing[line.lineId] ?? 0}
            onChange={({ target }) => onChange({ ...missing, [line.lineId]: target.valueAsNumber || 0 })}
          />
        </label>
        <Parts line={line} milli={line.toFindMilli} />
      </div>
    ))
}

function HandOver({ one, shown, onChange }: { one: OnePickup; shown: Shown; onChange: (shown: Shown) => void }) {
  return (
    <>
      <PickupGoods lines={one.lines} count={({ toHandOverMilli }) => toHandOverMilli} />
      {one.method === "ship" ? (
        <label className="field">
          <span>{t.tracking}</span>
          <input value={shown.tracking} onChange={({ target }) => onChange({ ...shown, tracking: target.value })} />
        </label>
      ) : (
        <>
          {one.buyer !== undefined && <p>{t.buyer(one.buyer)}</p>}
          {one.asksCode && (
            <label className="field">
              <span>{t.code}</span>
              <input
                value={shown.code}
                autoComplete="off"
                autoCapitalize="characters"
                onChange={({ target }) => onChange({ ...shown, code: target.value })}
              />
            </label>
          )}
          <label className="check">
            <input
              type="checkbox"
              checked={shown.hasDocument}
              onChange={({ target }) => onChange({ ...shown, hasDocument: target.checked })}
            />
            <span>{one.asksId ? t.documentNeeded : t.document}</span>
          </label>
        </>
      )}
    </>
  )
}
