import { useState } from "react"
import { useRight } from "../../api/session.ts"
import { useApi } from "../../api/use-api.ts"
import type { DeliveryView, MarkedText } from "../../api/work-answers.ts"
import { Loaded, Section } from "../../parts/page.tsx"
import { en } from "../../texts/en.ts"
import { PlanDialog, useKinds } from "../operations/plan.tsx"

const t = en.delivery

/** What a system sent beside what was made of it, each fault on its line. */
export function DeliverySection({ id }: { id: string }) {
  const reading = useApi<DeliveryView>(`/v1/deliveries/${encodeURIComponent(id)}`)
  return (
    <Section title={t.title}>
      <Loaded reading={reading} lines={8}>
        {(view) => (
          <>
            {view.problems.map(({ pointer, message }) => (
              <p key={`${pointer}${message}`} className="fault">
                {t.fault(pointer === "" ? message : `${pointer} ${message}`)}
              </p>
            ))}
            <div className="side-by-side">
              <Marked title={view.isCorrected ? t.corrected : t.came} text={view.payload} none={t.notShown} />
              <Marked title={t.read} text={view.canonical} none={t.nothing} />
            </div>
            {view.isRedacted && <p className="dim">{t.hidden}</p>}
            <DeliveryActs view={view} />
          </>
        )}
      </Loaded>
    </Section>
  )
}

export function Marked({ title, text, none }: { title: string; text: MarkedText | undefined; none: string }) {
  const marks = new Map(text?.marks.map(({ line, message }) => [line, message]))
  const isEmpty = !text || text.lines.length < 2
  return (
    <figure className="marked">
      <figcaption>{title}</figcaption>
      {isEmpty ? (
        <p className="dim">{none}</p>
      ) : (
        // A keyboard scrolls it.
        <div className="code" tabIndex={0} role="region" aria-label={title}>
          {text.lines.map((line, n) => {
            const message = marks.get(n + 1)
            return (
              // Lines have no other identity than their place.
              // oxlint-disable-next-line react/no-array-index-key
              <div key={n} className={message === undefined ? "line" : "line fault"}>
                <code>{line}</code>
                {message !== undefined && <strong>{t.fault(message)}</strong>}
              </div>
            )
          })}
        </div>
      )}
      {text && text.left > 0 && <p className="dim">{t.left(text.left)}</p>}
    </figure>
  )
}

function DeliveryActs({ view }: { view: DeliveryView }) {
  const right = useRight("read raw payloads")
  const [isOpen, setOpen] = useState(false)
  const kind = useKinds().find(({ name }) => name === "correct delivery")
  const [mark] = view.payload?.marks ?? []
  const reasons = new Set([kind?.reason, right.reason].flatMap((reason) => reason ?? []))
  return (
    <div className="group-acts">
      {view.state === "parked" && kind && (
        <button type="button" className="button" disabled={!kind.allowed} onClick={() => setOpen(true)}>
          {t.correct}
        </button>
      )}
      {right.isAllowed && (
        <a className="button" href={`/v1/deliveries/${view.id}/raw`} download title={t.rawDoes}>
          {t.raw}
        </a>
      )}
      {[...reasons].map((reason) => (
        <span key={reason} className="why-off">
          {reason}
        </span>
      ))}
      {isOpen && kind && (
        <PlanDialog
          kinds={[kind]}
          preset={{ delivery: view.id }}
          answered={mark ? { pointer: mark.pointer } : {}}
          onClose={() => setOpen(false)}
        />
      )}
    </div>
  )
}
