import { useRef, useState } from "react"
import { change } from "../../api/client.ts"
import { useRight } from "../../api/session.ts"
import type { Exception, Page } from "../../api/answers.ts"
import { queryClient, useApi } from "../../api/use-api.ts"
import type { ExceptionAction } from "../../api/work-answers.ts"
import { AskFields, isAnswered, readAnswers, type Answers } from "../../parts/ask-fields.tsx"
import { ConfirmDialog, ReasonField } from "../../parts/dialog.tsx"
import { Section } from "../../parts/page.tsx"
import { en } from "../../texts/en.ts"
import { PlanActs } from "../operations/plan.tsx"

const t = en.exceptions
/** What an action asks for; nothing while that is not read. */
export function useAsks(action: string) {
  const { data } = useApi<Page<ExceptionAction>>("/v1/exception-actions", { isSteady: true })
  return data?.items.find(({ name }) => name === action)?.asksFor ?? []
}

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
      <PlanActs
        says={en.plan.onThis}
        preset={{ ids: [exception.id] }}
        actions={exception.allowedActions}
        whyOff={isStale ? en.stale.actsOff : undefined}
      />
      {isOff && <p className="why-off">{isStale ? en.stale.actsOff : (right.reason ?? en.limits)}</p>}
      {action !== undefined && <Confirm exception={exception} action={action} onClose={() => setAction(undefined)} />}
    </Section>
  )
}

function Confirm({ exception, action, onClose }: { exception: Exception; action: string; onClose: () => void }) {
  const [reason, setReason] = useState("")
  const [answers, setAnswers] = useState<Answers>({})
  const asks = useAsks(action)
  // One key for this dialog: confirming again after a lost answer is the same decision.
  const key = useRef(crypto.randomUUID())
  const decide = async () => {
    const body = { action, ...(reason === "" ? {} : { reason }), ...readAnswers(asks, answers) }
    await change("POST", `/v1/exceptions/${encodeURIComponent(exception.id)}/decision`, { body, key: key.current })
    await queryClient.invalidateQueries()
  }
  return (
    <ConfirmDialog
      title={action}
      does={t.does[action] ?? t.final}
      confirm={t.confirm(action)}
      isReady={isAnswered(asks, answers)}
      onConfirm={decide}
      onClose={onClose}
    >
      <p className="dim">{exception.summary}</p>
      <AskFields asks={asks} answers={answers} onChange={setAnswers} />
      <ReasonField value={reason} onChange={setReason} hint={t.reasonHint} />
      <p className="dim">{t.final}</p>
    </ConfirmDialog>
  )
}
