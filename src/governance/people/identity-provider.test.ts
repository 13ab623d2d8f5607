import { expect, test } from "vitest"
import { accessOf, providerProblems, type IdentityProvider } from "./identity-provider.ts"

const fine: IdentityProvider = {
  issuer: "https://login.example.com/t/v2.0",
  clientId: "c",
  clientSecret: "s",
  publicAddress: "https://crossdock.example.com",
  groups: { all: { roles: ["viewer"] }, store: { roles: ["operator"], stores: ["store-1"] } },
}

test("settings without a fault have no problem, also on this machine by plain HTTP", () => {
  expect(providerProblems(fine, ["store-1"])).toEqual([])
  expect(providerProblems({ ...fine, issuer: "http://127.0.0.1:8080" }, ["store-1"])).toEqual([])
})

test("every fault of the settings is told at once, at its place", () => {
  const faulty: IdentityProvider = {
    issuer: "http://login.example.com",
    clientId: "",
    clientSecret: "",
    publicAddress: "crossdock",
    groups: { all: { roles: [] }, odd: { roles: ["king"], stores: ["store-1", "store-9"] } },
  }
  expect(providerProblems(faulty, ["store-1"]).map(({ pointer }) => pointer.slice("/identityProvider".length))).toEqual(
    [
      "/issuer",
      "/publicAddress",
      "/clientId",
      "/clientSecret",
      "/groups/all/roles",
      "/groups/odd/roles",
      "/groups/odd/stores/1",
    ],
  )
  expect(providerProblems({ ...fine, groups: {} }, [])).toHaveLength(1)
})

test("several groups give all their roles, and the limits of those that have some", () => {
  expect(accessOf(fine, ["nobody's"])).toBeUndefined()
  expect(accessOf(fine, ["all"])).toEqual({ roles: ["viewer"] })
  expect(accessOf(fine, ["store", "all"])).toEqual({ roles: ["viewer", "operator"], stores: ["store-1"] })
})
