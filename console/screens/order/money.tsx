import type { Account, GivenBack, Money, Order, TenderAccount } from "../../api/answers.ts"
import { orderMoney, type OrderMoney } from "../../format/order-money.ts"
import { List, type Column } from "../../list/list.tsx"
import { Loaded, Section, type Reading } from "../../parts/page.tsx"
import { Amount, State, When } from "../../parts/values.tsx"
import { en } from "../../texts/en.ts"

const t = en.order

/** The order's money as a sum that ends in 0.00, or names what is left; one column a currency. */
export function MoneyTab({ order, account }: { order: Order; account: Reading & { data: Account | undefined } }) {
  return (
    <Loaded reading={account} lines={8}>
      {(found) => (
        <>
          <div className="sums">
            {orderMoney(order, found).map((sums) => (
              <Sum key={sums.currency} sums={sums} />
            ))}
          </div>
          {found.tenders.length > 0 && (
            <Section title={t.payments}>
              <List name={t.payments} rows={found.tenders} columns={tenderColumns} keyOf={({ tenderId }) => tenderId} />
            </Section>
          )}
          <Refunds account={found} />
        </>
      )}
    </Loaded>
  )
}

function Sum({ sums }: { sums: OrderMoney }) {
  const line = (name: string, amountMinor: number, kind = "") => (
    <div className={kind}>
      <dt>{name}</dt>
      <dd>
        <Amount money={{ amountMinor, currency: sums.currency }} isBare />
      </dd>
    </div>
  )
  return (
    <Section title={`${t.moneyWay} (${sums.currency})`} className="sum">
      <dl>
        {line(t.ordered, sums.ordered)}
        {line(t.held, sums.held)}
        {line(t.taken, sums.taken, "first")}
        {line(t.givenBack, -sums.givenBack)}
        {sums.disputed !== 0 && line(t.disputed, -sums.disputed)}
        {line(t.kept, sums.kept, "total")}
        {line(t.booked, -sums.booked)}
        {line(t.rest, sums.rest, "total")}
      </dl>
      <p>
        <State shown={restShown(sums)} />
      </p>
    </Section>
  )
}

function restShown({ kept, booked, rest }: OrderMoney) {
  if (kept === 0 && booked === 0) return { role: "waiting", word: t.noBooks } as const
  if (rest === 0) return { role: "done", word: t.restNone } as const
  return rest > 0 ? ({ role: "risk", word: t.restOpen } as const) : ({ role: "risk", word: t.restOver } as const)
}

const amount = (head: string, of: (tender: TenderAccount) => Money): Column<TenderAccount> => ({
  head,
  cell: (tender) => <Amount money={of(tender)} />,
  isNumber: true,
})

const tenderColumns: readonly Column<TenderAccount>[] = [
  { head: t.provider, cell: ({ provider }) => provider, onCard: "title" },
  { head: t.reference, cell: ({ reference }) => <span className="code cut">{reference}</span>, isWide: true },
  amount(t.held, ({ held }) => held),
  amount(t.taken, ({ taken }) => taken),
  amount(t.givenBack, ({ givenBack }) => givenBack),
  amount(t.disputed, ({ disputed }) => disputed),
]

const refundColumns: readonly Column<GivenBack>[] = [
  { head: t.by, cell: ({ by }) => by, onCard: "title" },
  { head: en.exceptions.state, cell: ({ state }) => state, onCard: "aside" },
  { head: t.reference, cell: ({ reference }) => <span className="code cut">{reference}</span>, isWide: true },
  { head: t.toldBy, cell: ({ toldBy }) => toldBy.join(", ") },
  { head: t.amount, cell: ({ amount: given }) => <Amount money={given} />, isNumber: true },
  { head: t.at, cell: ({ at }) => <When at={at} /> },
]

function Refunds({ account }: { account: Account }) {
  const all = [...account.tenders.flatMap(({ refunds, disputes }) => [...refunds, ...disputes]), ...account.refunds]
  if (all.length === 0) return null
  return (
    <Section title={t.refunds}>
      <List name={t.refunds} rows={all} columns={refundColumns} keyOf={({ key }) => key} />
    </Section>
  )
}
