import type { ArticleMapping, Page as Items } from "../../api/answers.ts"
import { useApi } from "../../api/use-api.ts"
import { List, type Column } from "../../list/list.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Section } from "../../parts/page.tsx"
import { When } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

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
export function Mappings() {
  const reading = useApi<Items<ArticleMapping>>("/v1/article-mappings")
  return (
    <Section title={t.mappings}>
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
            />
          )
        }
      </Loaded>
    </Section>
  )
}
