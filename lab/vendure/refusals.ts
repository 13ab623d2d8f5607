export class UserInput extends Error {}
export class NotFound extends Error {}
/** An error of the shop's database, which Vendure passes on without a code. */
export class Internal extends Error {}
/** A value that the schema does not know is 400, and nothing is run. */
export class InvalidValue extends Error {}
