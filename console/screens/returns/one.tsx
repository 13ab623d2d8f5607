import type { OneReturn, ReturnFact } from "./answers.ts"
import { useApi } from "../../api/use-api.ts"
import { amountText } from "../../format/money.ts"
import { returnTrack } from "./track.ts"
import { CopyButton } from "../../list/around.tsx"
import { List, type Column } from "../../list/list.tsx"
import { Link } from "../../parts/link.tsx"
import { Facts, Loaded, Page, Section } from "../../parts/page.tsx"
import { Amount, State, When } from "../../parts/values.tsx"
import { usePart } from "../../routes/navigation.ts"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.returns

/** One return: its three tracks side by side, what the buyer reads, and everything that was told of it. */
export function ReturnScreen() {
  const reading = useApi<OneReturn>(`/v1/returns/${encodeURIComponent(usePart("id"))}`)
  const one = reading.data
  return (
    <Page
      title={t.one}
      aside={one && <State shown={returnTrack(one.state)} isBig />}
      reading={reading}
      acts={<CopyButton text={location.href} name={en.list.copyLink} />}
    >
      <Loaded reading={reading} lines={10}>
        {(shown) => (
          <>
            <p className="lead">{shown.reason}</p>
            <div className="tracks">
              <Track name={t.goods} state={shown.goods} hint={t.hows[shown.how] ?? shown.how} />
              <Track name={t.money} state={shown.money} hint={<Given shown={shown} />} />
              <Track name={t.books} state={shown.books} hint={t.booksHint} />
            </div>
            <About shown={shown} />
            <Section title={t.told}>
              <List
                name={t.told}
                rows={shown.facts.filter(({ type }) => type !== "return.state-changed")}
                columns={factColumns}
                keyOf={keyOf}
              />
            </Section>
          </>
        )}
      </Loaded>
    </Page>
  )
}

function Track({ name, state, hint }: { name: string; state: string; hint: React.ReactNode }) {
  return (
    <section className="track" aria-label={name}>
      <h2>{name}</h2>
      <State shown={returnTrack(state)} isBig />
      <p className="dim">{hint}</p>
    </section>
  )
}

function Given({ shown: { givenBack, due } }: { shown: OneReturn }) {
  if (!givenBack || !due) return t.nothingYet
  return (
    <>
      <Amount money={givenBack} /> {t.of} <Amount money={due} />
    </>
  )
}

function About({ shown: { returnId, orderId, requestedBy, requestedAt, buyer } }: { shown: OneReturn }) {
  return (
    <Facts
      facts={[
        [
          en.exceptions.order,
          <Link key="order" to={paths.order(orderId)}>
            {orderId}
          </Link>,
        ],
        [t.number, returnId],
        [t.by, requestedBy],
        [t.requested, <When key="at" at={requestedAt} hasZone />],
        [t.buyerReads, buyer.words],
        [
          en.menu.exceptions,
          <Link key="cases" to={paths.cases({ order: orderId })}>
            {t.cases}
          </Link>,
        ],
      ]}
    />
  )
}

const keyOf = ({ type, time, source }: ReturnFact) => `${type}:${time}:${source}`

const factColumns: readonly Column<ReturnFact>[] = [
  { head: t.when, cell: ({ time }) => <When at={time} />, onCard: "aside" },
  { head: t.what, cell: ({ type }) => type.slice("return.".length).replaceAll("-", " "), onCard: "title" },
  { head: t.detail, cell: (fact) => detailOf(fact), isWide: true, onCard: "text" },
  { head: t.who, cell: ({ source, data }) => data.by ?? source },
]

function detailOf({ type, data }: ReturnFact): string {
  if (type === "return.progressed") return [data.goods, data.money, data.books].filter(Boolean).join(" · ")
  const lines = (data.takenOver?.lines ?? data.lines ?? []).map(({ lineId, quantity, what, disposition, amount }) =>
    [
      quantity && `${quantity.milli / 1000} ×`,
      what,
      lineId,
      disposition && `→ ${disposition}`,
      amount && amountText(amount),
    ]
      .filter(Boolean)
      .join(" "),
  )
  return [data.locationId, ...lines, data.reason].filter(Boolean).join(" · ")
}
