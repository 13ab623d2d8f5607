import { expect, test } from "vitest"
import { AppError } from "../errors.ts"
import { parseDatabaseUrl, withDatabase, withServer } from "./database-url.ts"

function problemsOf(url: string): string {
  try {
    parseDatabaseUrl(url)
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === "CONFIG_INVALID") return thrown.message
    throw thrown
  }
  throw new Error(`${url} was taken`)
}

test("one server with nothing but a user has the defaults", () => {
  expect(parseDatabaseUrl("postgresql://shop@db.internal")).toEqual({
    servers: [{ host: "db.internal", port: 5432 }],
    user: "shop",
    password: "",
    database: "shop",
    needsWritable: false,
    parameters: {},
  })
})

test("several servers are tried in their order, and one that only reads is passed over", () => {
  const address = parseDatabaseUrl("postgres://u:p%40ss@h1:5433,h2,[::1]:6000/shop%20db?sslmode=require&search_path=a")
  expect(address.servers).toEqual([
    { host: "h1", port: 5433 },
    { host: "h2", port: 5432 },
    { host: "::1", port: 6000 },
  ])
  expect(address).toMatchObject({ password: "p@ss", database: "shop db", needsWritable: true })
  expect(address).toMatchObject({ encryption: { mode: "require" }, parameters: { search_path: "a" } })
})

test("one server is asked whether it takes writes when the address says so", () => {
  expect(parseDatabaseUrl("postgres://u@h/d?target_session_attrs=read-write").needsWritable).toBe(true)
  expect(parseDatabaseUrl("postgres://u@h/d?target_session_attrs=primary").needsWritable).toBe(true)
})

test("every problem is named at once, and the password never", () => {
  const message = problemsOf(
    "postgres://u:geheim@h1:99999,,h3/d?target_session_attrs=standby&sslmode=maybe&load_balance_hosts=random",
  )
  for (const part of ["port of h1", "hosts is empty", "=standby", "sslmode=maybe", "load_balance_hosts"])
    expect(message).toContain(part)
  expect(message).not.toContain("geheim")
  expect(problemsOf("postgres://u:ge/heim@h/d")).not.toContain("heim")
  expect(problemsOf("mysql://u@h/d")).toContain("postgres://user:password@host:port/database")
  expect(problemsOf("postgres://h/d")).toContain("no user")
})

test("another database of the same servers keeps everything else", () => {
  expect(withDatabase("postgres://u:p@h1:1,h2:2/a?sslmode=require", "b c")).toBe(
    "postgres://u:p@h1:1,h2:2/b%20c?sslmode=require",
  )
  expect(withDatabase("postgres://u@h", "b")).toBe("postgres://u@h/b")
})

test("one server of several keeps everything but the aim", () => {
  const several = "postgres://u:p@h1:1,[::1]:2/a?target_session_attrs=read-write&sslmode=require"
  const [first, second] = parseDatabaseUrl(several).servers
  expect(first && withServer(several, first)).toBe("postgres://u:p@h1:1/a?sslmode=require")
  expect(second && parseDatabaseUrl(withServer(several, second)).servers).toEqual([{ host: "::1", port: 2 }])
  expect(withServer("postgres://u@a,b/d?target_session_attrs=primary", { host: "b", port: 5 })).toBe(
    "postgres://u@b:5/d",
  )
})
