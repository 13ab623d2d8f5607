import { useState } from "react"
import type { Page as ApiPage } from "../../api/answers.ts"
import type { Effect } from "../../api/system-answers.ts"
import { useApi } from "../../api/use-api.ts"
import { Section } from "../../parts/page.tsx"
import { en } from "../../texts/en.ts"
import { PlanDialog, useKinds } from "./plan.tsx"

const t = en.link

interface LinkDocumentProps {
  /** The order, return or credit whose steps may wait for a document. */
  about: string
  isStale: boolean
}

/** The steps of an object that have no outcome, each with a way to say which document in the other system is the outcome. */
export function LinkDocument({ about, isStale }: LinkDocumentProps) {
  const [chosen, setChosen] = useState<Effect>()
  const kind = useKinds().find(({ name }) => name === "link document")
  const { data } = useApi<ApiPage<Effect>>(`/v1/effects?limit=200&key=${encodeURIComponent(about)}`)
  const open = data?.items.filter(isOpen) ?? []
  if (!kind || open.length === 0) return null
  return (
    <Section title={t.title}>
      <p className="dim">{t.says}</p>
      <ul className="actions">
        {open.map((effect) => (
          <li key={effect.step}>
            <button
              type="button"
              className="button"
              disabled={!kind.allowed || isStale}
              onClick={() => setChosen(effect)}
            >
              {t.link(effect.document ?? "")}
            </button>
            <span className="dim">
              {t.of(effect.step, effect.connection, t.outcomes[effect.outcome] ?? effect.outcome)}
            </span>
          </li>
        ))}
      </ul>
      {(!kind.allowed || isStale) && <p className="why-off">{isStale ? en.stale.actsOff : kind.reason}</p>}
      {chosen && (
        <PlanDialog
          kinds={[kind]}
          preset={{ object: about, system: chosen.connection, step: chosen.step }}
          onClose={() => setChosen(undefined)}
        />
      )}
    </Section>
  )
}

const isOpen = ({ kind, document, outcome }: Effect) =>
  kind === "effect" && document !== undefined && outcome !== "done" && outcome !== "superseded"
