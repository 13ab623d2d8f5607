import { useEffect } from "react"
import { apiPath } from "../../api/client.ts"
import type { SearchHit } from "../../api/answers.ts"
import { useApi } from "../../api/use-api.ts"
import { objectState } from "../../format/roles.ts"
import { List, type Column } from "../../list/list.tsx"
import { Empty } from "../../parts/failed.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Page, Section } from "../../parts/page.tsx"
import { Amount, State, When } from "../../parts/values.tsx"
import { useFilters, useGo } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.find

const columns: readonly Column<SearchHit>[] = [
  {
    head: en.orders.number,
    cell: ({ ref, object }) => <Link to={paths.object(ref)}>{object?.number ?? object?.id ?? ref}</Link>,
    onCard: "title",
  },
  {
    head: en.orders.state,
    cell: ({ object }) => (object ? <State shown={objectState(object)} /> : null),
    onCard: "aside",
  },
  {
    head: en.exceptions.what,
    cell: ({ foundBy: { type, id, system } }) => t.foundBy(type, id, system),
    isWide: true,
    onCard: "text",
  },
  { head: en.orders.channel, cell: ({ object }) => object?.channel },
  { head: en.orders.total, cell: ({ object }) => <Amount money={object?.value} />, isNumber: true },
  { head: en.orders.since, cell: ({ object }) => <When at={object?.since} /> },
]

/** By any id or number. One exact hit opens at once; several are listed. */
export function FindScreen() {
  const go = useGo()
  const { q = "" } = useFilters()
  const text = q.trim()
  const reading = useApi<{ items: SearchHit[]; hasMore: boolean }>(apiPath("/v1/search", { q: text, limit: 50 }), {
    isEnabled: text.length > 1,
    isSteady: true,
  })
  const exact = reading.data?.items.filter(({ isExact }) => isExact) ?? []
  const only = exact.length === 1 ? exact[0]?.ref : undefined
  useEffect(() => {
    if (only !== undefined) go(paths.object(only), { isReplaced: true })
  }, [only, go])
  return (
    <Page title={t.title}>
      {text.length < 2 ? (
        <p className="dim">{text === "" ? t.ask : t.tooShort}</p>
      ) : (
        <Loaded reading={reading} lines={4}>
          {({ items, hasMore }) =>
            items.length === 0 ? (
              <Empty title={t.nothing(text)} hint={t.nothingHint} />
            ) : (
              <Section title={t.several(items.length)}>
                <List
                  name={t.title}
                  rows={items}
                  columns={columns}
                  keyOf={({ ref, foundBy }) => `${ref} ${foundBy.id}`}
                  hasKeys
                />
                {hasMore && <p className="dim">{t.more}</p>}
              </Section>
            )
          }
        </Loaded>
      )}
    </Page>
  )
}
