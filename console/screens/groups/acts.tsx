import { useMemo, useRef, useState, type ReactNode } from "react"
import { change } from "../../api/client.ts"
import type { ExceptionGroup } from "../../api/answers.ts"
import { useMe, useRight } from "../../api/session.ts"
import { queryClient } from "../../api/use-api.ts"
import { useKeys } from "../../app/keys.ts"
import { ConfirmDialog } from "../../parts/dialog.tsx"
import { Failed } from "../../parts/failed.tsx"
import { useAct } from "../../parts/use-act.ts"
import { en } from "../../texts/en.ts"
import { PlanActs } from "../operations/plan.tsx"
import { DecideAll } from "./decide-all.tsx"
import { articleOf, MapHere } from "./map-here.tsx"
import { RuleActs } from "./rules.tsx"

const t = en.groups
type Act = "assign" | "acknowledge" | "snooze" | "comment"

/** Documents are posted on another day by an operation of its own, which lists them with their amounts. */
const hasNoKind = (action: string) => action !== "post on day"

const noKeys: Readonly<Record<string, () => void>> = {}

async function send(group: ExceptionGroup, body: object, key: string): Promise<void> {
  await change("POST", `/v1/exception-groups/${encodeURIComponent(group.id)}/acts`, { body, key })
  await queryClient.invalidateQueries()
}

/** What people do with a group besides deciding its cases. Its cases stay as they are. */
export function GroupActs({ group, isStale }: { group: ExceptionGroup; isStale: boolean }) {
  const right = useRight("decide exceptions")
  const me = useMe().data
  const [open, setOpen] = useState<Act>()
  const [action, setAction] = useState<string>()
  const { error, run } = useAct()
  const isOff = !right.isAllowed || isStale
  const [isMapping, setMapping] = useState(false)
  const unknown = articleOf(group)
  const canMap = unknown !== undefined
  const first = group.actions.find(hasNoKind)
  const keys = useMemo(
    () =>
      isOff
        ? noKeys
        : {
            a: () => setOpen("assign"),
            h: () => setOpen("snooze"),
            ...(canMap || first === undefined ? {} : { p: () => setAction(first) }),
            ...(canMap ? { p: () => setMapping(true) } : {}),
          },
    [isOff, first, canMap],
  )
  useKeys(keys)
  const tell = (body: object) => void run(() => send(group, body, crypto.randomUUID()))
  const button = (name: string, act: () => void) => (
    <button type="button" className="button" disabled={isOff} onClick={act}>
      {name}
    </button>
  )
  return (
    <>
      {group.actions.length > 0 && (
        <div className="group-acts">
          <span className="dim">{en.operations.actOnAll}</span>
          {unknown && button(en.operations.mapHere, () => setMapping(true))}
          {group.actions.filter(hasNoKind).map((name) => (
            <span key={name}>{button(`${name} …`, () => setAction(name))}</span>
          ))}
        </div>
      )}
      <PlanActs
        says={en.plan.onGroup}
        preset={{ group: group.id }}
        actions={group.actions}
        whyOff={isStale ? en.stale.actsOff : undefined}
      />
      <div className="group-acts">
        {me && group.assignee !== me.name && button(t.take, () => tell({ act: "assign", to: me.name }))}
        {button(t.assign, () => setOpen("assign"))}
        {button(t.acknowledge, () => setOpen("acknowledge"))}
        {group.state === "snoozed"
          ? button(t.wake, () => tell({ act: "wake" }))
          : button(t.snooze, () => setOpen("snooze"))}
        {button(t.comment, () => setOpen("comment"))}
        <RuleActs group={group} isOff={isOff} />
        {isOff && <span className="why-off">{isStale ? en.stale.actsOff : (right.reason ?? en.limits)}</span>}
        {error && <Failed error={error} isAct />}
        {open !== undefined && <GroupDialog group={group} act={open} onClose={() => setOpen(undefined)} />}
        {isMapping && unknown && <MapHere {...unknown} onClose={() => setMapping(false)} />}
        {action !== undefined && <DecideAll group={group} action={action} onClose={() => setAction(undefined)} />}
      </div>
    </>
  )
}

const does: Readonly<Record<Act, string>> = {
  assign: t.assignDoes,
  acknowledge: t.acknowledgeDoes,
  snooze: t.snoozeDoes,
  comment: t.commentDoes,
}

function GroupDialog({ group, act, onClose }: { group: ExceptionGroup; act: Act; onClose: () => void }) {
  const [to, setTo] = useState("")
  const [minutes, setMinutes] = useState("240")
  const [moreCases, setMoreCases] = useState("")
  const [text, setText] = useState("")
  const key = useRef(crypto.randomUUID())
  /** When it was first confirmed: a repeat after a lost answer says the same. */
  const confirmedMs = useRef<number>(undefined)
  const isReady = act === "assign" ? to.trim() !== "" : act === "comment" ? text.trim() !== "" : true
  const body = (nowMs: number) => ({
    act,
    ...(text === "" ? {} : { text }),
    ...(act === "assign" ? { to } : {}),
    ...(act === "acknowledge" ? { forMinutes: Number(minutes) } : {}),
    ...(act === "snooze" ? { until: new Date(nowMs + Number(minutes) * 60_000).toISOString() } : {}),
    ...(act === "snooze" && Number(moreCases) > 0 ? { moreCases: Number(moreCases) } : {}),
  })
  return (
    <ConfirmDialog
      title={t[act]}
      does={does[act]}
      confirm={t[act]}
      isReady={isReady}
      onConfirm={() => send(group, body((confirmedMs.current ??= Date.now())), key.current)}
      onClose={onClose}
    >
      {act === "assign" && (
        <Field name={t.assignTo}>
          <input type="text" value={to} maxLength={120} onChange={({ target }) => setTo(target.value)} />
        </Field>
      )}
      {(act === "acknowledge" || act === "snooze") && (
        <Field name={t.howLong}>
          <select value={minutes} onChange={({ target }) => setMinutes(target.value)}>
            {Object.entries(t.lengths).map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </Field>
      )}
      {act === "snooze" && (
        <Field name={t.moreCases}>
          <input
            type="text"
            inputMode="numeric"
            value={moreCases}
            onChange={({ target }) => setMoreCases(target.value.replaceAll(/\D/g, ""))}
          />
        </Field>
      )}
      <Field name={t.text}>
        <textarea rows={2} maxLength={2000} value={text} onChange={({ target }) => setText(target.value)} />
      </Field>
    </ConfirmDialog>
  )
}

function Field({ name, children }: { name: string; children: ReactNode }) {
  return (
    <label className="field">
      <span>{name}</span>
      {children}
    </label>
  )
}
