import type { Account, LineAccount } from "../../api/answers.ts"
import { quantityText } from "../../format/quantity.ts"
import { List, type Column } from "../../list/list.tsx"
import { Link } from "../../parts/link.tsx"
import { Loaded, Section, type Reading } from "../../parts/page.tsx"
import { paths } from "../../routes/paths.ts"
import { en } from "../../texts/en.ts"

const t = en.order

const counted = (head: string, of: (line: LineAccount) => number): Column<LineAccount> => ({
  head,
  cell: (line) => (of(line) === 0 ? <span className="dim">0</span> : quantityText(of(line))),
  isNumber: true,
})

const columns: readonly Column<LineAccount>[] = [
  { head: t.sku, cell: ({ sku }) => <Link to={paths.stock({ sku })}>{sku}</Link>, onCard: "aside" },
  { head: t.title, cell: ({ title }) => title, isWide: true, onCard: "title" },
  counted(t.orderedQuantity, ({ orderedMilli }) => orderedMilli),
  counted(t.allocated, ({ allocatedMilli }) => allocatedMilli),
  counted(t.shipped, ({ shippedMilli }) => shippedMilli),
  counted(t.returned, ({ returnedMilli }) => returnedMilli),
  counted(t.cancelled, ({ cancelledMilli }) => cancelledMilli),
]

/** What became of each line. */
export function GoodsTab({ account }: { account: Reading & { data: Account | undefined } }) {
  return (
    <Loaded reading={account} lines={4}>
      {({ lines }) => (
        <Section title={t.lines}>
          <List name={t.lines} rows={lines} columns={columns} keyOf={({ lineId }) => lineId} />
        </Section>
      )}
    </Loaded>
  )
}
