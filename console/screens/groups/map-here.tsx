import { useRef, useState } from "react"
import { change } from "../../api/client.ts"
import type { ExceptionGroup } from "../../api/answers.ts"
import type { Operation } from "../../api/work-answers.ts"
import { ConfirmDialog, ReasonField } from "../../parts/dialog.tsx"
import { useGo } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.operations

/** The article that a group's cases wait for, where nobody knows it; undefined for other groups. */
export function articleOf({ because }: ExceptionGroup): { channel: string; article: string } | undefined {
  const { operation, connection: channel, value: article } = because
  return operation === "know the articles" && channel !== undefined && article !== undefined
    ? { channel, article }
    : undefined
}

/** Says what the unknown article is, and shows which orders would go on before anything is done. */
export function MapHere({ channel, article, onClose }: { channel: string; article: string; onClose: () => void }) {
  const go = useGo()
  const [sku, setSku] = useState("")
  const [reason, setReason] = useState("")
  const key = useRef(crypto.randomUUID())
  const preview = async () => {
    const body = { kind: "map article", spec: { channel, article, sku: sku.trim() }, reason }
    const operation = await change<Operation>("POST", "/v1/operations", { body, key: key.current })
    go(paths.operation(operation.id))
  }
  return (
    <ConfirmDialog
      title={t.mapTitle(article)}
      does={`${en.stock.mapDoes} ${t.previewDoes}`}
      confirm={t.preview}
      isReady={sku.trim() !== "" && reason.trim() !== ""}
      onConfirm={preview}
      onClose={onClose}
    >
      <label className="field">
        <span>{en.stock.standsFor}</span>
        <input
          type="text"
          value={sku}
          placeholder={en.stock.hint}
          onChange={({ target }) => setSku(target.value)}
          spellCheck={false}
        />
      </label>
      <ReasonField value={reason} onChange={setReason} hint={en.exceptions.reasonHint} />
    </ConfirmDialog>
  )
}
