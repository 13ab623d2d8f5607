import { useState } from "react"
import { change } from "../../api/client.ts"
import { queryClient } from "../../api/use-api.ts"
import { ConfirmDialog, Dialog, ReasonField } from "../../parts/dialog.tsx"
import { en } from "../../texts/en.ts"

const t = en.stock

/** An article of a channel, and the SKU it is said to be. */
export interface Mapped {
  channel: string
  article: string
  sku: string
}

interface MapArticleProps {
  channels: readonly string[]
  /** Fills the fields in when the window opens; a person may change them. */
  given?: Mapped
  onClose: () => void
}

/** Says which SKU an article of a channel is, and then how many orders go on by it. */
export function MapArticle({ channels, given, onClose }: MapArticleProps) {
  const [channel, setChannel] = useState(given?.channel ?? channels[0] ?? "")
  const [article, setArticle] = useState(given?.article ?? "")
  const [sku, setSku] = useState(given?.sku ?? "")
  const [reason, setReason] = useState("")
  const [goOn, setGoOn] = useState<number>()
  if (goOn !== undefined)
    return (
      <Dialog title={t.map} onClose={onClose}>
        <p role="status">{t.goOn(goOn)}</p>
      </Dialog>
    )
  const map = async () => {
    const body = { channel, article: article.trim(), sku: sku.trim(), ...(reason === "" ? {} : { reason }) }
    const { ordersGoOn } = await change<{ ordersGoOn: number }>("POST", "/v1/article-mappings", { body })
    setGoOn(ordersGoOn)
    await queryClient.invalidateQueries()
  }
  return (
    <ConfirmDialog
      title={t.map}
      does={t.mapDoes}
      confirm={t.mapConfirm}
      isReady={channel !== "" && article.trim() !== "" && sku.trim() !== ""}
      onConfirm={map}
      // The answer is shown before this closes.
      onDone={() => undefined}
      onClose={onClose}
    >
      <label className="field">
        <span>{en.orders.channel}</span>
        <select value={channel} onChange={({ target }) => setChannel(target.value)}>
          {channels.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      <label className="field">
        <span>{t.article}</span>
        <input type="text" value={article} onChange={({ target }) => setArticle(target.value)} spellCheck={false} />
      </label>
      <label className="field">
        <span>{t.standsFor}</span>
        <input
          type="text"
          value={sku}
          placeholder={t.hint}
          onChange={({ target }) => setSku(target.value)}
          spellCheck={false}
        />
      </label>
      <ReasonField value={reason} onChange={setReason} hint={en.exceptions.reasonHint} />
    </ConfirmDialog>
  )
}
