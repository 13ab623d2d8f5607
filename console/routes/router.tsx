import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet } from "@tanstack/react-router"
import type { ReactNode } from "react"
import { Desk } from "../app/desk.tsx"
import { NotFound, ScreenFailed } from "../app/failures.tsx"
import { basePath } from "./paths.ts"

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound, errorComponent: ScreenFailed })
const desk = createRoute({ getParentRoute: () => root, id: "desk", component: Desk, errorComponent: ScreenFailed })

type Load = () => Promise<() => ReactNode>

const lazily = (load: Load) => lazyRouteComponent(async () => ({ default: await load() }))
const screen = (path: string, load: Load) =>
  createRoute({ getParentRoute: () => desk, path, component: lazily(load), errorComponent: ScreenFailed })

// A screen is fetched when somebody goes there, or is about to.
const screens = [
  screen("/", async () => (await import("../screens/today/today.tsx")).TodayScreen),
  screen("/exceptions", async () => (await import("../screens/groups/list.tsx")).ExceptionsScreen),
  screen("/groups/$id", async () => (await import("../screens/groups/one.tsx")).GroupScreen),
  screen("/cases", async () => (await import("../screens/exceptions/list.tsx")).CasesScreen),
  screen("/exceptions/$id", async () => (await import("../screens/exceptions/one.tsx")).ExceptionScreen),
  screen("/orders", async () => (await import("../screens/orders/list.tsx")).OrdersScreen),
  screen("/orders/$id", async () => (await import("../screens/order/order.tsx")).OrderScreen),
  screen("/objects/$ref", async () => (await import("../screens/order/object.tsx")).ObjectScreen),
  screen("/returns", async () => (await import("../screens/returns/list.tsx")).ReturnsScreen),
  screen("/returns/$id", async () => (await import("../screens/returns/one.tsx")).ReturnScreen),
  screen("/stock", async () => (await import("../screens/stock/stock.tsx")).StockScreen),
  screen("/channels/$name", async () => (await import("../screens/channel/channel.tsx")).ChannelScreen),
  screen("/catalogue", async () => (await import("../screens/catalogue/catalogue.tsx")).CatalogueScreen),
  screen("/products/$id", async () => (await import("../screens/catalogue/product.tsx")).ProductScreen),
  screen("/prices", async () => (await import("../screens/catalogue/prices.tsx")).PricesScreen),
  screen("/ownership", async () => (await import("../screens/catalogue/ownership.tsx")).OwnershipScreen),
  screen("/store", async () => (await import("../screens/store/store.tsx")).StoreScreen),
  screen("/books", async () => (await import("../screens/books/books.tsx")).BooksScreen),
  screen("/why", async () => (await import("../screens/figures/why.tsx")).WhyScreen),
  screen("/report", async () => (await import("../screens/figures/report.tsx")).ReportScreen),
  screen("/connections", async () => (await import("../screens/connections/list.tsx")).ConnectionsScreen),
  screen("/modes/$name", async () => (await import("../screens/modes/one.tsx")).ModeScreen),
  screen("/connections/$id", async () => (await import("../screens/connections/one.tsx")).ConnectionScreen),
  screen("/flows", async () => (await import("../screens/flows/flows.tsx")).FlowsScreen),
  screen("/promises", async () => (await import("../screens/promises/list.tsx")).PromisesScreen),
  screen("/promises/$id", async () => (await import("../screens/promises/one.tsx")).PromiseScreen),
  screen("/alerts/$id", async () => (await import("../screens/alerts/one.tsx")).AlertScreen),
  screen("/operations", async () => (await import("../screens/operations/list.tsx")).OperationsScreen),
  screen("/operations/$id", async () => (await import("../screens/operations/one.tsx")).OperationScreen),
  screen("/find", async () => (await import("../screens/find/find.tsx")).FindScreen),
  screen("/admin", async () => (await import("../screens/admin/admin.tsx")).AdminScreen),
  screen("/admin/consumers/$id", async () => (await import("../screens/admin/consumer.tsx")).ConsumerScreen),
]

const unknown = createRoute({ getParentRoute: () => desk, path: "$", component: NotFound })

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  component: lazily(async () => (await import("../screens/sign-in/sign-in.tsx")).SignInScreen),
})

export const router = createRouter({
  routeTree: root.addChildren([desk.addChildren([...screens, unknown]), signIn]),
  basepath: basePath,
  scrollRestoration: true,
  defaultPreloadStaleTime: 0,
  // Plain texts in the query: an order's number stays as people write it.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const pairs = Object.entries(search).flatMap(([name, value]) =>
      typeof value === "string" && value !== "" ? [[name, value] as [string, string]] : [],
    )
    return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs)}`
  },
})
