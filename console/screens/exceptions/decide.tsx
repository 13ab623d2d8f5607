import { useRef, useState } from "react"
import { change } from "../../api/client.ts"
import { useRight } from "../../api/session.ts"
import type { Exception } from "../../api/answers.ts"
import { queryClient } from "../../api/use-api.ts"
import { ConfirmDialog, ReasonField } from "../../parts/dialog.tsx"
import { Section } from "../../parts/page.tsx"
import { en } from "../../texts/en.ts"

const t = en.exceptions
/** The one action that asks for a day. */
const asksForDay = "post on day"

/** The allowed actions, each with what it does. Nothing happens before it is confirmed. */
export function Decide({ exception, isStale }: { exception: Exception; isStale: boolean }) {
  const right = useRight("decide exceptions")
  const [action, setAction] = useState<string>()
  const isOff = !right.isAllowed || isStale
  if (exception.allowedActions.length === 0)
    return (
      <Section title={t.decide}>
        <p className="dim">{t.noActions}</p>
      </Section>
    )
  return (
    <Section title={t.decide}>
      <ul className="actions">
        {exception.allowedActions.map((name) => (
          <li key={name}>
            <button type="button" className="button" disabled={isOff} onClick={() => setAction(name)}>
              {name}
            </button>
            <span className="dim">{t.does[name]}</span>
          </li>
        ))}
      </ul>
      {isOff && <p className="why-off">{isStale ? en.stale.actsOff : (right.reason ?? en.limits)}</p>}
      {action !== undefined && <Confirm exception={exception} action={action} onClose={() => setAction(undefined)} />}
    </Section>
  )
}

function Confirm({ exception, action, onClose }: { exception: Exception; action: string; onClose: () => void }) {
  const [reason, setReason] = useState("")
  const [day, setDay] = useState("")
  // One key for this dialog: confirming again after a lost answer is the same decision.
  const key = useRef(crypto.randomUUID())
  const isDayAsked = action === asksForDay
  const decide = async () => {
    const body = { action, ...(reason === "" ? {} : { reason }), ...(isDayAsked ? { day } : {}) }
    await change("POST", `/v1/exceptions/${encodeURIComponent(exception.id)}/decision`, { body, key: key.current })
    await queryClient.invalidateQueries()
  }
  return (
    <ConfirmDialog
      title={action}
      does={t.does[action] ?? t.final}
      confirm={t.confirm(action)}
      isReady={!isDayAsked || day !== ""}
      onConfirm={decide}
      onClose={onClose}
    >
      <p className="dim">{exception.summary}</p>
      {isDayAsked && (
        <label className="field">
          <span>{t.day}</span>
          <input type="date" required value={day} onChange={({ target }) => setDay(target.value)} />
          {day === "" && <span className="dim">{t.dayNeeded}</span>}
        </label>
      )}
      <ReasonField value={reason} onChange={setReason} hint={t.reasonHint} />
      <p className="dim">{t.final}</p>
    </ConfirmDialog>
  )
}
