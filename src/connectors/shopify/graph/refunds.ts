/** Refunds as people compare them: what was paid back, to which payment, and our key in the note. */
export const readRefunds = `
query CrossdockRefunds($id: ID!) {
  order(id: $id) {
    id
    refunds(first: 50) {
      id note
      transactions(first: 10) { nodes {
        id kind status parentTransaction { id }
        amountSet { shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }
      } }
    }
  }
}`
