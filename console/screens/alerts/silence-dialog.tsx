import { useRef, useState } from "react"
import { change } from "../../api/client.ts"
import { queryClient } from "../../api/use-api.ts"
import { ConfirmDialog, ReasonField } from "../../parts/dialog.tsx"
import { en } from "../../texts/en.ts"

const t = en.silences
const hours = [1, 2, 4, 8, 24, 72]

/** Silences what an alert is about, for a time and with a reason. */
export function SilenceDialog({
  matches,
  onClose,
}: {
  matches: Readonly<Record<string, string>>
  onClose: () => void
}) {
  const [length, setLength] = useState("2")
  const [reason, setReason] = useState("")
  const key = useRef(crypto.randomUUID())
  /** When it was first confirmed: a repeat after a lost answer says the same. */
  const confirmedMs = useRef<number>(undefined)
  const send = async () => {
    confirmedMs.current ??= Date.now()
    const endsAt = new Date(confirmedMs.current + Number(length) * 3_600_000).toISOString()
    await change("POST", "/v1/silences", { body: { matches, reason, endsAt }, key: key.current })
    await queryClient.invalidateQueries()
  }
  return (
    <ConfirmDialog
      title={t.make}
      does={t.makeDoes}
      confirm={t.make}
      isReady={reason.trim().length >= 3}
      onConfirm={send}
      onClose={onClose}
    >
      <p className="code">
        {Object.entries(matches)
          .map(([name, value]) => `${name} ${value}`)
          .join(", ")}
      </p>
      <label className="field">
        <span>{en.alerts.minutes}</span>
        <select value={length} onChange={({ target }) => setLength(target.value)}>
          {hours.map((count) => (
            <option key={count} value={count}>
              {en.alerts.hours(count)}
            </option>
          ))}
        </select>
      </label>
      <ReasonField value={reason} onChange={setReason} hint={en.exceptions.reasonHint} />
    </ConfirmDialog>
  )
}
