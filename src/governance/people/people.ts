import { AppError } from "../../base/errors.ts"
import { storage, type Sql, type SqlTransaction } from "../../base/sql.ts"
import { derivedId } from "../../base/ids.ts"
import { instant, type Clock, type Instant } from "../../base/time.ts"
import { audited } from "../audit.ts"
import { keyHash, keyIdLength, newKey, rateDefaults } from "../consumers.ts"
import { hashPassword, isPassword } from "./passwords.ts"
import { isRole, roles as allRoles } from "./roles.ts"

/** Somebody who uses the console. */
export interface Person {
  /** What they sign in with; their consumer is `person-{name}`. */
  name: string
  fullName: string
  roles: readonly string[]
  /** Channels they may see and change; undefined means all. */
  channels: readonly string[] | undefined
  /** Places whose stock they count and whose work they see; undefined means all. */
  stores: readonly string[] | undefined
  hasPassword: boolean
  /** Whether they sign in at the identity provider, which then says what they may do. */
  isOfProvider: boolean
  isActive: boolean
}

export interface NewPerson {
  name: string
  fullName: string
  roles: readonly string[]
  channels?: readonly string[]
  stores?: readonly string[]
  apiVersion: string
  /** Of somebody whom an identity provider knows: its lasting id of them. */
  subject?: string
}

/** A session: the text of the key that its cookie carries. */
export interface Session {
  key: string
  person: string
  lastsSeconds: number
  expiresAt: Instant
}

const sessionMs = 12 * 3_600_000
const linkMs = 24 * 3_600_000
const prefix = "person-"
const ownName = "crossdock"

/** The consumer of a person. */
export function consumerOf(name: string): string {
  return prefix + name
}

/** Whether a consumer's id belongs to people. */
export function isPersonId(id: string): boolean {
  return id.startsWith(prefix)
}

/**
 * People, their links to sign in and their sessions, in PostgreSQL.
 *
 * A person is a consumer whose scopes follow from roles, so limits, channels, rates and the audit are the same as for programs. A
 * session is a key of that consumer which expires after twelve hours. Links work once, for a day. Only hashes of all three are kept.
 */
export class People {
  readonly #sql: Sql
  readonly #clock: Clock

  constructor(sql: Sql, clock: Clock) {
    this.#sql = sql
    this.#clock = clock
  }

  /**
   * Creates a person or changes one; password and sessions stay. REQUEST_INVALID for a role that there is not, STATE_FORBIDS when
   * the name is that of somebody else whom a provider knows.
   */
  async put({ name, fullName, roles, channels, stores, apiVersion, subject }: NewPerson, by = ownName): Promise<void> {
    const unknown = roles.filter((role) => !isRole(role))
    if (unknown.length > 0)
      throw new AppError("REQUEST_INVALID", `there is no role ${unknown.join(", ")}`, {
        problems: unknown.map((role) => ({
          pointer: `/roles/${roles.indexOf(role)}`,
          message: `"${role}" is none of ${Object.keys(allRoles).join(", ")}`,
        })),
      })
    const id = consumerOf(name)
    const { ratePerSecond, burst } = rateDefaults
    await this.#change({ by, action: "put person", name, detail: { roles, channels, stores } }, async (transaction) => {
      await transaction`
        insert into consumers (id, name, owner, scopes, channels, rate_per_second, burst, api_version)
        values (${id}, ${fullName}, 'people', '{}', ${channels ? [...channels] : null}, ${ratePerSecond}, ${burst}, ${apiVersion})
        on conflict (id) do update set name = excluded.name, channels = excluded.channels, updated_at = now(),
          -- Whoever is shut out here stays out, whatever the provider says.
          is_active = ${subject === undefined} or consumers.is_active`
      const put = await transaction`
        insert into people (consumer_id, roles, stores, subject)
        values (${id}, ${[...roles]}, ${stores ? [...stores] : null}, ${subject ?? null})
        on conflict (consumer_id) do update set roles = excluded.roles, stores = excluded.stores
          where excluded.subject is null or people.subject = excluded.subject returning 1`
      if (put.length === 0) throw new AppError("STATE_FORBIDS", `"${name}" is somebody else`)
    })
  }

  /**
   * The name of the person whom a provider knows, with what their groups allow now. A new one gets a name that nobody has: an account
   * at the provider never becomes a person that was made here. AUTHENTICATION_FAILED for somebody who is shut out.
   */
  async admit({ name, subject, ...identity }: NewPerson & { subject: string }): Promise<string> {
    const rows = await storage(
      () => this.#sql<{ id: string; subject: string | null; isActive: boolean }[]>`
        select c.id, p.subject, c.is_active as "isActive" from consumers c left join people p on p.consumer_id = c.id
        where p.subject = ${subject} or c.id = ${consumerOf(nameOf(name))}`,
    )
    const known = rows.find((row) => row.subject === subject)
    if (known && !known.isActive) throw new AppError("AUTHENTICATION_FAILED", "this person is shut out here")
    const free = rows.length === 0 ? nameOf(name) : `${nameOf(name)}-${derivedId("per", subject).slice(4, 10)}`
    const own = known ? known.id.slice(prefix.length) : free
    await this.put({ name: own, subject, ...identity }, "identity provider")
    return own
  }

  async list(): Promise<Person[]> {
    const rows = await storage(
      () => this.#sql<PersonRow[]>`
        select p.consumer_id as id, c.name as "fullName", p.roles, c.channels, p.stores, p.password is not null as "hasPassword",
          p.subject is not null as "isOfProvider", c.is_active as "isActive"
        from people p join consumers c on c.id = p.consumer_id order by p.consumer_id`,
    )
    return rows.map(({ id, channels, stores, ...row }) => ({
      name: id.slice(prefix.length),
      ...row,
      channels: channels ?? undefined,
      stores: stores ?? undefined,
    }))
  }

  /** A link's text, which signs this person in once. NOT_FOUND for somebody who is not known or shut out. */
  async makeLink(name: string, by = ownName, lastsMs = linkMs): Promise<{ token: string; expiresAt: Instant }> {
    const token = newKey().replace(/^cdk_/, "cdl_")
    const expiresAt = instant(this.#clock.now() + lastsMs)
    await this.#change({ by, action: "make sign-in link", name, detail: { expiresAt } }, async (transaction) => {
      const made = await transaction`
        insert into sign_in_links (hash, consumer_id, expires_at)
        select ${bytes(keyHash(token))}, c.id, ${expiresAt} from people p join consumers c on c.id = p.consumer_id
        where c.id = ${consumerOf(name)} and c.is_active returning 1`
      if (made.length === 0) throw new AppError("NOT_FOUND", `there is no active person "${name}"`)
    })
    return { token, expiresAt }
  }

  /** Uses up a link. AUTHENTICATION_FAILED when it was used, is too old, or never was one. */
  async signInByLink(token: string): Promise<Session> {
    const now = instant(this.#clock.now())
    const rows = await storage(
      () => this.#sql<{ id: string }[]>`
        update sign_in_links l set used_at = ${now} from consumers c
        where l.hash = ${bytes(keyHash(token))} and l.used_at is null and l.expires_at > ${now} and c.id = l.consumer_id and c.is_active
        returning c.id`,
    )
    const [row] = rows
    if (!row)
      throw new AppError(
        "AUTHENTICATION_FAILED",
        "this link was used already or is too old; ask an administrator for another, or run `crossdock people link`",
      )
    return this.#open(row.id, "by a link")
  }

  /** AUTHENTICATION_FAILED for a wrong name or password; it does not tell which. */
  async signInByPassword(name: string, password: string): Promise<Session> {
    const rows = await storage(
      () => this.#sql<{ id: string; password: string | null }[]>`
        select c.id, p.password from people p join consumers c on c.id = p.consumer_id
        where c.id = ${consumerOf(name)} and c.is_active`,
    )
    const [row] = rows
    if (!(await isPassword(password, row?.password ?? undefined)) || !row)
      throw new AppError("AUTHENTICATION_FAILED", "name or password is wrong")
    return this.#open(row.id, "by password")
  }

  /** Sets a person's password; their other sessions end. STATE_FORBIDS for somebody whom a provider signs in, and may shut out. */
  async setPassword(id: string, password: string, keep?: string): Promise<void> {
    const ofProvider = new AppError(
      "STATE_FORBIDS",
      "you sign in at the identity provider, without a password of this page",
    )
    const known = await storage(() => this.#sql`select from people where consumer_id = ${id} and subject is not null`)
    if (known.length > 0) throw ofProvider
    const stored = await hashPassword(password)
    await this.#change({ by: id, action: "set password", name: id.slice(prefix.length) }, async (transaction) => {
      const set = await transaction`
        update people set password = ${stored} where consumer_id = ${id} and subject is null returning 1`
      if (set.length === 0) throw ofProvider
      await transaction`
        update api_keys set revoked_at = now()
        where consumer_id = ${id} and is_session and revoked_at is null and id is distinct from ${keep ?? null}`
    })
  }

  async signOut(keyId: string, consumerId: string): Promise<void> {
    const name = consumerId.slice(prefix.length)
    await this.#change({ by: consumerId, action: "sign out", name }, async (transaction) => {
      await transaction`
        update api_keys set revoked_at = coalesce(revoked_at, now())
        where id = ${keyId} and consumer_id = ${consumerId} and is_session`
    })
  }

  /** Whether anybody has ever signed in. */
  async anybodySignedIn(): Promise<boolean> {
    const rows = await storage(
      () => this.#sql`
        select from people p where p.password is not null
          or exists (select from sign_in_links l where l.consumer_id = p.consumer_id and l.used_at is not null) limit 1`,
    )
    return rows.length > 0
  }

  /** Removes sessions and links that ended a day ago: the audit keeps who signed in. Safe to run anywhere. */
  async expire(): Promise<void> {
    const before = instant(this.#clock.now() - linkMs)
    await storage(() => this.#sql`delete from api_keys where is_session and expires_at < ${before}`)
    await storage(() => this.#sql`delete from sign_in_links where expires_at < ${before} and used_at is null`)
  }

  async #open(consumerId: string, how: string): Promise<Session> {
    const key = newKey()
    const expiresAt = instant(this.#clock.now() + sessionMs)
    const person = consumerId.slice(prefix.length)
    const change = { by: consumerId, action: "sign in", name: person, detail: { how, expiresAt } }
    await this.#change(change, async (transaction) => {
      await transaction`
        insert into api_keys (id, consumer_id, hash, expires_at, is_session)
        values (${key.slice(0, keyIdLength)}, ${consumerId}, ${bytes(keyHash(key))}, ${expiresAt}, true)`
    })
    return { key, person, lastsSeconds: sessionMs / 1000, expiresAt }
  }

  #change(
    { name, ...change }: { by: string; action: string; name: string; detail?: object },
    work: (transaction: SqlTransaction) => Promise<void>,
  ): Promise<void> {
    return audited(this.#sql, { ...change, subject: `person ${name}` }, work)
  }
}

/** A name as it is allowed here, from what a provider calls somebody: `Anna.Miller@example.com` becomes `anna-miller`. */
function nameOf(called: string): string {
  const letters = called.split("@", 1)[0]?.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase() ?? ""
  return (
    letters
      .replaceAll(/[^a-z0-9]+/g, "-")
      .replaceAll(/^-|-$/g, "")
      .slice(0, 30)
      .replace(/-$/, "") || "person"
  )
}

type PersonRow = Omit<Person, "channels" | "stores" | "name"> & {
  id: string
  channels: string[] | null
  stores: string[] | null
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex, "hex")
}
