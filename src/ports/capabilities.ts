import type { ClaimsRefunds } from "./capabilities/accounts.ts"
import type {
  AmendsOrders,
  BooksOrders,
  CancelsOrders,
  PostsCredits,
  PostsJournals,
  PostsStoreDays,
  RecordsDeliveries,
} from "./capabilities/books.ts"
import type {
  CancelsChannelOrders,
  ConfirmsFulfilment,
  ReadsHolds,
  RefundsChannelOrders,
} from "./capabilities/channels.ts"
import type { ChecksTax, ScreensFraud } from "./capabilities/checks.ts"
import type { CancelsReleases, ReleasesFulfilment } from "./capabilities/goods.ts"
import type { KeepsSubscriptions, ListsChanges, ReadsObjects, ReceivesDeliveries } from "./capabilities/intake.ts"
import type {
  AuthorisesPayments,
  CapturesPayments,
  ReadsPayments,
  RefundsPayments,
  VoidsAuthorisations,
} from "./capabilities/payments.ts"
import type { PublishesPrices } from "./capabilities/prices.ts"
import type { PublishesProducts } from "./capabilities/products.ts"
import type { MailsStaff, NotifiesCustomers } from "./capabilities/service.ts"
import type { PublishesStock, ReportsStock, ReservesStock } from "./capabilities/stock.ts"

/** Everything a connection may be able to do, one verb each. A connector returns the ones its vendor really has. */
export interface Capabilities {
  screensFraud: ScreensFraud
  checksTax: ChecksTax

  authorisesPayments: AuthorisesPayments
  capturesPayments: CapturesPayments
  voidsAuthorisations: VoidsAuthorisations
  refundsPayments: RefundsPayments
  readsPayments: ReadsPayments

  booksOrders: BooksOrders
  amendsOrders: AmendsOrders
  cancelsOrders: CancelsOrders
  recordsDeliveries: RecordsDeliveries
  postsJournals: PostsJournals
  postsCredits: PostsCredits
  postsStoreDays: PostsStoreDays

  releasesFulfilment: ReleasesFulfilment
  cancelsReleases: CancelsReleases

  confirmsFulfilment: ConfirmsFulfilment
  cancelsChannelOrders: CancelsChannelOrders
  refundsChannelOrders: RefundsChannelOrders
  readsHolds: ReadsHolds

  notifiesCustomers: NotifiesCustomers
  mailsStaff: MailsStaff

  reservesStock: ReservesStock
  claimsRefunds: ClaimsRefunds
  publishesStock: PublishesStock
  publishesPrices: PublishesPrices
  publishesProducts: PublishesProducts
  reportsStock: ReportsStock

  receivesDeliveries: ReceivesDeliveries
  readsObjects: ReadsObjects
  listsChanges: ListsChanges
  keepsSubscriptions: KeepsSubscriptions
}

/** The name of something a connection may be able to do. */
export type CapabilityName = keyof Capabilities
