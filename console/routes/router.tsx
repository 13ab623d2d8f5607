import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet } from "@tanstack/react-router"
import { Desk } from "../app/desk.tsx"
import { NotFound, ScreenFailed } from "../app/failures.tsx"
import { basePath } from "./paths.ts"

const root = createRootRoute({ component: Outlet, notFoundComponent: NotFound, errorComponent: ScreenFailed })
const desk = createRoute({ getParentRoute: () => root, id: "desk", component: Desk, errorComponent: ScreenFailed })

const screen = (path: string, component: ReturnType<typeof lazyRouteComponent>) =>
  createRoute({ getParentRoute: () => desk, path, component, errorComponent: ScreenFailed })

// A screen is fetched when somebody goes there, or is about to.
const screens = [
  screen("/", lazyRouteComponent(() => import("../screens/today/today.tsx"), "TodayScreen")),
  screen("/exceptions", lazyRouteComponent(() => import("../screens/exceptions/list.tsx"), "ExceptionsScreen")),
  screen("/exceptions/$id", lazyRouteComponent(() => import("../screens/exceptions/one.tsx"), "ExceptionScreen")),
  screen("/orders", lazyRouteComponent(() => import("../screens/orders/list.tsx"), "OrdersScreen")),
  screen("/orders/$id", lazyRouteComponent(() => import("../screens/order/order.tsx"), "OrderScreen")),
  screen("/objects/$ref", lazyRouteComponent(() => import("../screens/order/object.tsx"), "ObjectScreen")),
  screen("/stock", lazyRouteComponent(() => import("../screens/stock/stock.tsx"), "StockScreen")),
  screen("/books", lazyRouteComponent(() => import("../screens/books/books.tsx"), "BooksScreen")),
  screen("/connections", lazyRouteComponent(() => import("../screens/connections/list.tsx"), "ConnectionsScreen")),
  screen("/connections/$id", lazyRouteComponent(() => import("../screens/connections/one.tsx"), "ConnectionScreen")),
  screen("/flows", lazyRouteComponent(() => import("../screens/flows/flows.tsx"), "FlowsScreen")),
  screen("/find", lazyRouteComponent(() => import("../screens/find/find.tsx"), "FindScreen")),
  screen("/admin", lazyRouteComponent(() => import("../screens/admin/admin.tsx"), "AdminScreen")),
  screen("/admin/consumers/$id", lazyRouteComponent(() => import("../screens/admin/consumer.tsx"), "ConsumerScreen")),
]

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  component: lazyRouteComponent(() => import("../screens/sign-in/sign-in.tsx"), "SignInScreen"),
})

export const router = createRouter({
  routeTree: root.addChildren([desk.addChildren(screens), signIn]),
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
