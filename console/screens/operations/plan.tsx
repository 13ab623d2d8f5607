import { useRef, useState } from "react"
import type { Page as ApiPage } from "../../api/answers.ts"
import { change } from "../../api/client.ts"
import { useApi } from "../../api/use-api.ts"
import type { Operation, OperationKind } from "../../api/work-answers.ts"
import { AskFields, isAnswered, readAnswers, type Answers } from "../../parts/ask-fields.tsx"
import { ConfirmDialog, ReasonField } from "../../parts/dialog.tsx"
import { useGo } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.plan

/** What the page knows already of what a kind asks for. */
export type Preset = Readonly<Record<string, string | number | readonly string[] | undefined>>

/** The kinds of operations; none while they are not read. */
export const useKinds = () =>
  useApi<ApiPage<OperationKind>>("/v1/operation-kinds", { isSteady: true }).data?.items ?? []

/** Decisions have buttons of their own, and mappings a screen. */
const ownPlaces = new Set(["decide", "map article"])

interface PlanActsProps {
  /** What stands before the buttons. */
  says: string
  preset: Preset
  /** What may be done about the cases, where the page knows it: kinds that need another action are not offered. */
  actions?: readonly string[]
  /** Also why nothing can be planned here now. */
  whyOff?: string | undefined
}

/** A button for each kind of operation that takes what is preset. What the person may not do is off, with its reason. */
export function PlanActs({ says, preset, actions, whyOff }: PlanActsProps) {
  const [kind, setKind] = useState<OperationKind>()
  const names = Object.keys(preset)
  const fitting = useKinds().filter(
    ({ name, asksFor, forAction }) =>
      !ownPlaces.has(name) &&
      names.every((one) => asksFor.some((ask) => ask.name === one)) &&
      (forAction === undefined || (actions?.includes(forAction) ?? true)),
  )
  const reasons = new Set(whyOff === undefined ? fitting.flatMap(({ reason }) => reason ?? []) : [whyOff])
  return (
    <div className="group-acts">
      <span className="dim">{says}</span>
      {fitting.map((one) => (
        <button
          key={one.name}
          type="button"
          className="button"
          title={one.does}
          disabled={!one.allowed || whyOff !== undefined}
          onClick={() => setKind(one)}
        >
          {t.names[one.name] ?? one.name} …
        </button>
      ))}
      {[...reasons].map((reason) => (
        <span key={reason} className="why-off">
          {reason}
        </span>
      ))}
      {kind && <PlanDialog kinds={[kind]} preset={preset} onClose={() => setKind(undefined)} />}
    </div>
  )
}

/** Any kind of operation, for what is not planned from a list. */
export function PlanButton() {
  const [isOpen, setOpen] = useState(false)
  const kinds = useKinds().filter(({ name }) => !ownPlaces.has(name))
  return (
    <>
      <button type="button" className="button primary" disabled={kinds.length === 0} onClick={() => setOpen(true)}>
        {t.plan}
      </button>
      {isOpen && <PlanDialog kinds={kinds} preset={{}} onClose={() => setOpen(false)} />}
    </>
  )
}

interface PlanDialogProps {
  kinds: readonly OperationKind[]
  preset: Preset
  /** What is filled in and may be changed. */
  answered?: Answers
  onClose: () => void
}

/** Asks what a kind of operation needs to know, and shows its preview. Nothing is done before that is run. */
export function PlanDialog({ kinds, preset, answered = {}, onClose }: PlanDialogProps) {
  const go = useGo()
  const [name, setName] = useState((kinds.find(({ allowed }) => allowed) ?? kinds[0])?.name)
  const [answers, setAnswers] = useState<Answers>(answered)
  const [reason, setReason] = useState("")
  const key = useRef(crypto.randomUUID())
  const kind = kinds.find((one) => one.name === name)
  if (!kind) return null
  // Cases are chosen in their lists, not typed.
  const isOfCases = Object.keys(preset).some((one) => chosenInLists.has(one))
  const asks = kind.asksFor.filter(
    ({ name: ask }) => !(ask in preset) && !chosenInLists.has(ask) && !(isOfCases && insteadOfCases.has(ask)),
  )
  const preview = async () => {
    const body = { kind: kind.name, spec: { ...readAnswers(asks, answers), ...preset }, reason }
    const operation = await change<Operation>("POST", "/v1/operations", { body, key: key.current })
    go(paths.operation(operation.id))
  }
  return (
    <ConfirmDialog
      title={kinds.length > 1 ? t.title : kind.name}
      does={kind.does.charAt(0).toUpperCase() + kind.does.slice(1)}
      confirm={en.operations.preview}
      isReady={kind.allowed && reason.trim() !== "" && isAnswered(asks, answers)}
      onConfirm={preview}
      onClose={onClose}
    >
      {kinds.length > 1 && (
        <label className="field">
          <span>{t.kind}</span>
          <select value={kind.name} onChange={({ target }) => setName(target.value)}>
            {kinds.map((one) => (
              <option key={one.name}>{one.name}</option>
            ))}
          </select>
        </label>
      )}
      {!kind.allowed && <p className="why-off">{kind.reason}</p>}
      <AskFields asks={asks} answers={answers} onChange={setAnswers} />
      <ReasonField value={reason} onChange={setReason} hint={t.reason} />
      <p className="dim">
        {kind.alwaysApproved === undefined ? "" : `${t.always(kind.alwaysApproved)} `}
        {t.nothing}
      </p>
    </ConfirmDialog>
  )
}

const chosenInLists = new Set(["group", "owner", "cause", "orderId", "ids", "version"])
/** Without cases these say what is meant. */
const insteadOfCases = new Set(["workflow", "orders"])
