import { useQuery } from "@tanstack/react-query"
import { useRef } from "react"
import { change } from "../../api/client.ts"
import type { Connection } from "../../api/system-answers.ts"
import type { Page as Items } from "../../api/answers.ts"
import type { Availability } from "../../api/store-answers.ts"
import { useApi } from "../../api/use-api.ts"
import { quantityText } from "../../format/quantity.ts"
import { lengthText } from "../../format/time.ts"
import { List, type Column } from "../../list/list.tsx"
import { Empty } from "../../parts/failed.tsx"
import { Loaded, Page, Section } from "../../parts/page.tsx"
import { useFilters, useGo } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { ChannelsSection } from "../channel/section.tsx"
import { Sources, WhereItIs, WhyThisNumber } from "./article.tsx"
import { Mappings } from "./mappings.tsx"
import { UnknownArticles } from "./unknown-articles.tsx"

const t = en.stock

const quantity = (head: string, of: (one: Availability) => number, sign = ""): Column<Availability> => ({
  head,
  cell: (one) => (of(one) === 0 ? <span className="dim">0</span> : `${sign}${quantityText(of(one))}`),
  isNumber: true,
})

const columns: readonly Column<Availability>[] = [
  { head: t.place, cell: ({ channel }) => <strong>{channel ?? t.everywhere}</strong>, onCard: "title" },
  quantity(t.onHand, ({ onHandMilli }) => onHandMilli),
  quantity(t.reserved, ({ reservedMilli }) => reservedMilli, "− "),
  quantity(t.safety, ({ safetyStockMilli }) => safetyStockMilli, "− "),
  quantity(t.buffer, ({ bufferMilli }) => bufferMilli, "− "),
  quantity(t.backorder, ({ backorderLimitMilli }) => backorderLimitMilli, "+ "),
  {
    head: t.promise,
    cell: ({ availableToPromiseMilli }) => <strong>{quantityText(availableToPromiseMilli)}</strong>,
    isNumber: true,
    onCard: "aside",
  },
  {
    head: t.freshness,
    cell: ({ freshnessAgeMs }) => (freshnessAgeMs === null ? "–" : lengthText(freshnessAgeMs)),
    isNumber: true,
  },
]

/** What is there of a SKU, what is reserved, and what each channel may promise, as a sum with its parts. */
export function StockScreen() {
  const go = useGo()
  const { sku = "" } = useFilters()
  const field = useRef<HTMLInputElement>(null)
  const connections = useApi<Items<Connection>>("/v1/connections")
  const channels = (connections.data?.items ?? [])
    .filter(({ capabilities }) => capabilities.includes("publishesStock"))
    .map(({ id }) => id)
  return (
    <Page title={t.title}>
      <form
        className="filters"
        onSubmit={(event) => {
          event.preventDefault()
          go(paths.stock({ sku: field.current?.value.trim() }))
        }}
      >
        <label className="choice">
          <span>{t.sku}</span>
          <input
            key={sku}
            ref={field}
            type="search"
            defaultValue={sku}
            placeholder={t.hint}
            autoComplete="off"
            size={30}
          />
        </label>
        <button type="submit" className="button">
          {t.lookUp}
        </button>
      </form>
      {sku === "" ? (
        <p className="dim">{t.noneAsked}</p>
      ) : (
        <>
          <Promised sku={sku} channels={channels} />
          <WhereItIs key={sku} sku={sku} />
        </>
      )}
      <ChannelsSection />
      <UnknownArticles channels={channels} />
      <Mappings channels={channels} />
    </Page>
  )
}

/** All places together, then each channel. */
function Promised({ sku, channels }: { sku: string; channels: readonly string[] }) {
  const items = [{ sku }, ...channels.map((channel) => ({ sku, channel }))]
  const reading = useQuery({
    queryKey: ["/v1/availability/query", items],
    queryFn: () => change<{ items: Availability[] }>("POST", "/v1/availability/query", { body: { items } }),
  })
  return (
    <Section title={sku} aside={<span className="dim">{t.sum}</span>}>
      <Loaded reading={reading} lines={2}>
        {({ items: found }) =>
          found.some(({ isKnown }) => isKnown) ? (
            <>
              {found.slice(0, 1).map((one) => (
                <WhyThisNumber key={one.sku} one={one} />
              ))}
              <List name={sku} rows={found} columns={columns} keyOf={({ channel }) => channel ?? ""} />
              {found.slice(0, 1).map((one) => (
                <Sources key={one.sku} one={one} />
              ))}
            </>
          ) : (
            <Empty title={t.unknown(sku)} hint={t.hint} />
          )
        }
      </Loaded>
    </Section>
  )
}
