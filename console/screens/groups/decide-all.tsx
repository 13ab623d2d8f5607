import { useRef, useState } from "react"
import { change } from "../../api/client.ts"
import type { ExceptionGroup } from "../../api/answers.ts"
import type { Operation } from "../../api/work-answers.ts"
import { AskFields, isAnswered, readAnswers, type Answers } from "../../parts/ask-fields.tsx"
import { ConfirmDialog, ReasonField } from "../../parts/dialog.tsx"
import { useGo } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { useAsks } from "../exceptions/decide.tsx"

const t = en.operations

/** Previews an action on all open cases of a group. Nothing is done before the preview is run. */
export function DecideAll({ group, action, onClose }: { group: ExceptionGroup; action: string; onClose: () => void }) {
  const go = useGo()
  const [reason, setReason] = useState("")
  const [answers, setAnswers] = useState<Answers>({})
  const asks = useAsks(action)
  const key = useRef(crypto.randomUUID())
  const preview = async () => {
    const spec = { action, group: group.id, ...readAnswers(asks, answers) }
    const body = { kind: "decide", spec, reason }
    const operation = await change<Operation>("POST", "/v1/operations", { body, key: key.current })
    go(paths.operation(operation.id))
  }
  return (
    <ConfirmDialog
      title={t.decideAll(action, group.open)}
      does={`${en.exceptions.does[action] ?? ""} ${t.previewDoes}`}
      confirm={t.preview}
      isReady={reason.trim() !== "" && isAnswered(asks, answers)}
      onConfirm={preview}
      onClose={onClose}
    >
      <AskFields asks={asks} answers={answers} onChange={setAnswers} />
      <ReasonField value={reason} onChange={setReason} hint={en.exceptions.reasonHint} />
    </ConfirmDialog>
  )
}
