import type { Account, BookedDocument, Order, Reference, Trace } from "../../api/answers.ts"
import { objectState } from "../../format/roles.ts"
import { CopyButton } from "../../list/around.tsx"
import { List, type Column } from "../../list/list.tsx"
import { Empty } from "../../parts/failed.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Section, useIsStale, type Reading } from "../../parts/page.tsx"
import { Amount, State, When } from "../../parts/values.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"
import { LinkDocument } from "../operations/link-document.tsx"
import { ValuesSection } from "./values.tsx"

const t = en.order
type Document = Reference & Partial<Pick<BookedDocument, "total" | "at">>

const columns: readonly Column<Document>[] = [
  { head: t.type, cell: ({ type }) => type, onCard: "title" },
  { head: t.system, cell: ({ system }) => system, onCard: "aside" },
  {
    head: t.documentNumber,
    cell: ({ id }) => (
      <span className="with-copy">
        <span className="code cut">{id}</span>
        <CopyButton text={id} name={en.list.copyId} isSquare />
      </span>
    ),
    isWide: true,
  },
  { head: t.amount, cell: ({ total }) => <Amount money={total} />, isNumber: true },
  { head: t.at, cell: ({ at }) => <When at={at} /> },
]

/** Every number by which other systems know the order, what is linked with it, and the canonical order itself. */
export function DocumentsTab({
  order,
  account,
  trace,
}: {
  order: Order
  account: Reading & { data: Account | undefined }
  trace: Trace | undefined
}) {
  const isStale = useIsStale(account)
  return (
    <Loaded reading={account} lines={4}>
      {({ documents }) => {
        const all = documentsOf(order, documents, trace)
        return (
          <>
            <Section title={t.documents}>
              {all.length === 0 ? (
                <Empty {...en.empty.noneYet} />
              ) : (
                <List name={t.documents} rows={all} columns={columns} keyOf={keyOf} />
              )}
            </Section>
            <LinkDocument about={`order/${order.id}`} isStale={isStale} />
            <Linked trace={trace} own={`order/${order.id}`} />
            <ValuesSection orderId={order.id} />
            <Section title={t.raw}>
              <p className="dim">{t.rawHint}</p>
              <details className="raw">
                <summary>{en.exceptions.raw}</summary>
                <pre>{JSON.stringify(order.document ?? order.removed, null, 2)}</pre>
              </details>
            </Section>
          </>
        )
      }}
    </Loaded>
  )
}

const keyOf = ({ system, type, id }: Document) => `${system} ${type} ${id}`

/** What is booked, what steps were answered with, and the shop's own ids; each document once. */
function documentsOf(order: Order, booked: readonly BookedDocument[], trace: Trace | undefined): Document[] {
  const shop = order.document?.references ?? []
  const answered = trace?.hops?.flatMap(({ reference, at }) => (reference ? [{ ...reference, at }] : [])) ?? []
  const all = new Map<string, Document>()
  for (const document of [...shop, ...booked, ...answered]) {
    // The books name a document by what it is to them; a step's answer repeats its number.
    const isBooked = booked.some(({ system, id }) => system === document.system && id === document.id)
    const key = isBooked ? `${document.system} ${document.id}` : keyOf(document)
    if (!all.has(key)) all.set(key, document)
  }
  return [...all.values()].sort((a, b) => ((a.at ?? "") < (b.at ?? "") ? -1 : 1))
}

function Linked({ trace, own }: { trace: Trace | undefined; own: string }) {
  const linked = trace?.objects?.filter(({ ref }) => ref !== own) ?? []
  if (linked.length === 0) return null
  return (
    <Section title={t.objects}>
      <ul className="linked">
        {linked.map(({ ref, object }) => (
          <li key={ref}>
            {object ? <Link to={paths.object(ref)}>{ref}</Link> : <span className="code">{ref}</span>}
            {object && <State shown={objectState(object)} />}
          </li>
        ))}
      </ul>
    </Section>
  )
}
