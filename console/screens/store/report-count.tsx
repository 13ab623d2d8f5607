import { useRef, useState } from "react"
import { change } from "../../api/client.ts"
import type { Availability } from "../../api/store-answers.ts"
import { queryClient } from "../../api/use-api.ts"
import { quantityText } from "../../format/quantity.ts"
import { ConfirmDialog, ReasonField } from "../../parts/dialog.tsx"
import { en } from "../../texts/en.ts"

const t = en.store

/** What was counted, and what follows, before it is reported. */
export function ReportCount({ place, now, onClose }: { place: string; now: Availability; onClose: () => void }) {
  const [text, setText] = useState("")
  const [reason, setReason] = useState("")
  const fact = useRef(crypto.randomUUID())
  const countedMilli = text === "" ? undefined : Math.round(Number(text) * 1000)
  const report = async () => {
    const body = { fact: fact.current, sku: now.sku, countedMilli, ...(reason === "" ? {} : { reason }) }
    await change("POST", `/v1/locations/${encodeURIComponent(place)}/counts`, { body })
    await queryClient.invalidateQueries()
  }
  return (
    <ConfirmDialog
      title={t.countTitle(now.sku)}
      does={t.countDoes}
      confirm={t.countConfirm}
      isReady={countedMilli !== undefined && countedMilli >= 0}
      onConfirm={report}
      onClose={onClose}
    >
      <p>{t.says(quantityText(now.onHandMilli))}.</p>
      <label className="field">
        <span>{t.counted}</span>
        <input
          type="number"
          min={0}
          step={0.001}
          inputMode="decimal"
          required
          value={text}
          onChange={({ target }) => setText(target.value)}
        />
      </label>
      {countedMilli !== undefined && <Effect countedMilli={countedMilli} now={now} />}
      <ReasonField value={reason} onChange={setReason} hint={en.exceptions.reasonHint} />
    </ConfirmDialog>
  )
}

function Effect({ countedMilli, now }: { countedMilli: number; now: Availability }) {
  const differs = countedMilli - now.onHandMilli
  if (differs === 0) return <p>{t.same}</p>
  const quantity = quantityText(Math.abs(differs))
  return (
    <p>
      {t.effect(differs < 0 ? t.fewer(quantity) : t.more(quantity))}
      {countedMilli < now.reservedMilli && ` ${t.short}`}
    </p>
  )
}
