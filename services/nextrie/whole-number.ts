// Reads a whole number that somebody has typed.
import { InvalidArgumentError } from 'commander'

/** @param least and most that it may be. @returns what commander calls with the text of an option. */
export function wholeNumber(
  least: number,
  most = Number.MAX_SAFE_INTEGER
): (text: string) => number {
  const limits =
    most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
  return text => {
    const value = Number(text)
    if (/^-?\d+$/.test(text) && value >= least && value <= most) return value
    throw new InvalidArgumentError(`It must be a whole number ${limits}.`)
  }
}
