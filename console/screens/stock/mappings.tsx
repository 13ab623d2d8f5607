import { useState } from "react"
import { change } from "../../api/client.ts"
import type { ArticleMapping, Page as Items } from "../../api/answers.ts"
import { useRight } from "../../api/session.ts"
import { queryClient, useApi } from "../../api/use-api.ts"
import { List, type Column } from "../../list/list.tsx"
import { ConfirmDialog } from "../../parts/dialog.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Section } from "../../parts/page.tsx"
import { When } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { MapArticle } from "./map-article.tsx"

const t = en.stock

const columns: readonly Column<ArticleMapping>[] = [
  { head: t.article, cell: ({ article }) => <span className="code">{article}</span>, onCard: "title" },
  { head: t.standsFor, cell: ({ sku }) => <Link to={paths.stock({ sku })}>{sku}</Link>, onCard: "aside" },
  { head: en.orders.channel, cell: ({ channel }) => channel },
  { head: en.exceptions.reason, cell: ({ reason }) => reason, isWide: true, onCard: "text" },
  { head: t.setBy, cell: ({ setBy }) => setBy },
  { head: en.orders.since, cell: ({ setAt }) => <When at={setAt} /> },
]

/** Articles that a channel sells under another name than the stock's. */
export function Mappings({ channels }: { channels: readonly string[] }) {
  const reading = useApi<Items<ArticleMapping>>("/v1/article-mappings")
  const right = useRight("map articles")
  const [isOpen, setOpen] = useState(false)
  const [removed, setRemoved] = useState<ArticleMapping>()
  const menuOf = (mapping: ArticleMapping) =>
    right.isAllowed ? [{ name: t.remove, act: () => setRemoved(mapping) }] : []
  return (
    <Section
      title={t.mappings}
      aside={
        <button type="button" className="button" disabled={!right.isAllowed} onClick={() => setOpen(true)}>
          {t.map}
        </button>
      }
    >
      {!right.isAllowed && <p className="why-off">{right.reason ?? en.limits}</p>}
      <Loaded reading={reading} lines={2}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="dim">{t.noMappings}</p>
          ) : (
            <List
              name={t.mappings}
              rows={items}
              columns={columns}
              keyOf={({ channel, article }) => `${channel} ${article}`}
              {...(right.isAllowed ? { menuOf } : {})}
            />
          )
        }
      </Loaded>
      {isOpen && <MapArticle channels={channels} onClose={() => setOpen(false)} />}
      {removed && (
        <ConfirmDialog
          title={t.removeTitle(removed.article)}
          does={t.removeDoes}
          confirm={t.remove}
          onClose={() => setRemoved(undefined)}
          onConfirm={async () => {
            const { channel, article } = removed
            await change("POST", "/v1/article-mappings/removal", { body: { channel, article } })
            await queryClient.invalidateQueries()
          }}
        />
      )}
    </Section>
  )
}
