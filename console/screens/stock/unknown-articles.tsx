import { useState } from "react"
import type { UnknownArticle } from "../../api/answers.ts"
import { useRight } from "../../api/session.ts"
import { useApi } from "../../api/use-api.ts"
import { List, type Column } from "../../list/list.tsx"
import { Loaded, Section } from "../../parts/page.tsx"
import { When } from "../../parts/values.tsx"
import { en } from "../../texts/en.ts"
import { MapArticle, type Mapped } from "./map-article.tsx"

const t = en.stock

const columns: readonly Column<UnknownArticle>[] = [
  { head: t.article, cell: ({ article }) => <span className="code">{article}</span>, onCard: "title" },
  { head: t.mayBe, cell: ({ candidates }) => candidates.map(t.candidate).join(", "), isWide: true, onCard: "text" },
  { head: en.orders.channel, cell: ({ channel }) => channel },
  { head: t.ordersWait, cell: ({ orders }) => orders, isNumber: true, onCard: "aside" },
  { head: en.orders.since, cell: ({ since }) => <When at={since} /> },
]

/** Articles that orders wait for because nobody knows them, each with what it may be. A person says which one it is. */
export function UnknownArticles({ channels }: { channels: readonly string[] }) {
  const reading = useApi<{ items: UnknownArticle[]; total: number }>("/v1/unknown-articles")
  const right = useRight("map articles")
  const [wanted, setWanted] = useState<Mapped>()
  const menuOf = ({ channel, article, candidates }: UnknownArticle) => [
    ...candidates
      .filter(({ hasNoStock }) => !hasNoStock)
      .map(({ sku }) => ({ name: t.mapTo(sku), act: () => setWanted({ channel, article, sku }) })),
    { name: t.mapToOther, act: () => setWanted({ channel, article, sku: "" }) },
  ]
  return (
    <>
      <Loaded reading={reading} lines={1}>
        {({ items, total }) =>
          items.length > 0 && (
            <Section title={t.unknownArticles}>
              <List
                name={t.unknownArticles}
                rows={items}
                columns={columns}
                keyOf={({ channel, article }) => `${channel} ${article}`}
                {...(right.isAllowed ? { menuOf } : {})}
              />
              {total > items.length && <p className="dim">{t.someOf(items.length, total)}</p>}
            </Section>
          )
        }
      </Loaded>
      {wanted && (
        <MapArticle
          channels={[...new Set([wanted.channel, ...channels])]}
          given={wanted}
          onClose={() => setWanted(undefined)}
        />
      )}
    </>
  )
}
