import { useRef, useState } from "react"
import { change } from "../../api/client.ts"
import type { ExceptionGroup, Operation } from "../../api/answers.ts"
import { ConfirmDialog, ReasonField } from "../../parts/dialog.tsx"
import { useGo } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.operations
const asksForDay = "post on day"

/** Previews an action on all open cases of a group. Nothing is done before the preview is run. */
export function DecideAll({ group, action, onClose }: { group: ExceptionGroup; action: string; onClose: () => void }) {
  const go = useGo()
  const [reason, setReason] = useState("")
  const [day, setDay] = useState("")
  const key = useRef(crypto.randomUUID())
  const isDayAsked = action === asksForDay
  const preview = async () => {
    const spec = { action, group: group.id, ...(isDayAsked ? { day } : {}) }
    const body = { kind: "decide", spec, reason }
    const operation = await change<Operation>("POST", "/v1/operations", { body, key: key.current })
    go(paths.operation(operation.id))
  }
  return (
    <ConfirmDialog
      title={t.decideAll(action, group.open)}
      does={`${en.exceptions.does[action] ?? ""} ${t.previewDoes}`}
      confirm={t.preview}
      isReady={reason.trim() !== "" && (!isDayAsked || day !== "")}
      onConfirm={preview}
      onClose={onClose}
    >
      {isDayAsked && (
        <label className="field">
          <span>{en.exceptions.day}</span>
          <input type="date" value={day} onChange={({ target }) => setDay(target.value)} />
        </label>
      )}
      <ReasonField value={reason} onChange={setReason} hint={en.exceptions.reasonHint} />
    </ConfirmDialog>
  )
}
