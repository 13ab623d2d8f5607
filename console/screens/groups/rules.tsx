import { useRef, useState } from "react"
import { change } from "../../api/client.ts"
import type { ExceptionGroup } from "../../api/answers.ts"
import { useRight } from "../../api/session.ts"
import { queryClient, useApi } from "../../api/use-api.ts"
import type { GroupRule, RuledGroup } from "../../api/work-answers.ts"
import { ConfirmDialog, ReasonField } from "../../parts/dialog.tsx"
import { Failed } from "../../parts/failed.tsx"
import { Section } from "../../parts/page.tsx"
import { useAct } from "../../parts/use-act.ts"
import { When } from "../../parts/values.tsx"
import { useGo } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.rules
const fields = ["channel", "sku", "owner", "cause", "workflow", "connection", "operation", "code", "field", "value"]

/** By which rules of people cases are in this group; each can be undone. */
export function GroupRules({ group }: { group: RuledGroup }) {
  const right = useRight("decide exceptions")
  const { error, run } = useAct()
  if (!group.rules || group.rules.length === 0) return null
  const undo = (rule: GroupRule) =>
    run(async () => {
      await change("POST", `/v1/exception-group-rules/${rule.id}/undo`)
      await queryClient.invalidateQueries()
    })
  return (
    <Section title={t.title}>
      <ol className="history">
        {group.rules.map((rule) => (
          <li key={rule.id}>
            <span>
              {textOf(rule, group.id)}{" "}
              <button
                type="button"
                className="button quiet"
                disabled={!right.isAllowed}
                onClick={() => void undo(rule)}
              >
                {t.undo}
              </button>
            </span>
            <span className="dim">
              <When at={rule.madeAt} />
            </span>
            <p>{rule.reason}</p>
          </li>
        ))}
      </ol>
      {error && <Failed error={error} isAct />}
    </Section>
  )
}

function textOf({ kind, group, into = "", by = "", madeBy }: GroupRule, shown: string) {
  if (kind === "split") return t.splitBy(by, madeBy)
  return into === shown ? t.merged(group, madeBy) : t.mergedAway(into, madeBy)
}

/** Merging the group into another one, or splitting it. */
export function RuleActs({ group, isOff }: { group: ExceptionGroup; isOff: boolean }) {
  const [act, setAct] = useState<"merge" | "split">()
  return (
    <>
      <button type="button" className="button" disabled={isOff} onClick={() => setAct("merge")}>
        {t.merge}
      </button>
      <button type="button" className="button" disabled={isOff || group.open < 2} onClick={() => setAct("split")}>
        {t.split}
      </button>
      {act && <RuleDialog group={group} act={act} onClose={() => setAct(undefined)} />}
    </>
  )
}

function RuleDialog({ group, act, onClose }: { group: ExceptionGroup; act: "merge" | "split"; onClose: () => void }) {
  const go = useGo()
  const [value, setValue] = useState("")
  const [reason, setReason] = useState("")
  const key = useRef(crypto.randomUUID())
  const others = useApi<{ items: ExceptionGroup[] }>("/v1/exception-groups?state=all", { isEnabled: act === "merge" })
  const isMerge = act === "merge"
  const choices = isMerge
    ? (others.data?.items ?? []).flatMap(({ id, cause, because }) =>
        id === group.id ? [] : [[id, [cause, because.value, because.connection].filter(Boolean).join(" · ")] as const],
      )
    : fields.map((field) => [field, field] as const)
  const make = async () => {
    const body = { ...(isMerge ? { into: value } : { by: value }), reason }
    await change("POST", `/v1/exception-groups/${encodeURIComponent(group.id)}/${act}`, { body, key: key.current })
    await queryClient.invalidateQueries()
    go(isMerge ? paths.group(value) : paths.exceptions())
  }
  return (
    <ConfirmDialog
      title={isMerge ? t.merge : t.split}
      does={isMerge ? t.mergeDoes : t.splitDoes}
      confirm={isMerge ? t.merge.replace(" …", "") : t.split.replace(" …", "")}
      isReady={value !== "" && reason.trim() !== ""}
      onConfirm={make}
      onClose={onClose}
    >
      <label className="field">
        <span>{isMerge ? t.into : t.by}</span>
        <select value={value} onChange={({ target }) => setValue(target.value)}>
          <option value="">{en.asks.choose}</option>
          {choices.map(([one, called]) => (
            <option key={one} value={one}>
              {called}
            </option>
          ))}
        </select>
      </label>
      <ReasonField value={reason} onChange={setReason} hint={en.exceptions.reasonHint} />
    </ConfirmDialog>
  )
}
