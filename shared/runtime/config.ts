// Process configuration as a pure function of the environment: every program names the variables
// it reads, and a wrong environment is answered with all of its faults at once.
import { resolve } from 'node:path'
import { RecommenderError } from './errors.ts'

export type Environment = Readonly<Record<string, string | undefined>>
/** Reads the text of one variable; `undefined` and '' both mean that it is not set. */
export type Reader<T> = (text: string | undefined) => { value: T } | { fault: string }
export type Settings<T> = { [K in keyof T]: [variable: string, reader: Reader<T[K]>] }

/**
 * Reads every setting and freezes the result.
 *
 * @param faultsTogether finds what settings say only together. One that is faulty by itself is absent then.
 * @throws CONFIG_INVALID naming each faulty variable. Values are not repeated: they may be secret.
 */
export function readConfig<T>(
  environment: Environment,
  settings: Settings<T>,
  faultsTogether: (read: Partial<T>) => readonly string[] = () => []
): Readonly<T> {
  const config: Partial<T> = {}
  const faults: string[] = []
  for (const key in settings) {
    const [variable, reader] = settings[key]
    const read = reader(environment[variable])
    if ('value' in read) config[key] = read.value
    else faults.push(`${variable} ${read.fault}`)
  }
  faults.push(...faultsTogether(config))
  if (faults.length > 0) throw new RecommenderError('CONFIG_INVALID', faults.join('; '))
  return Object.freeze(config as T)
}

/** A text that has to be set. */
export const required: Reader<string> = text => (text ? { value: text } : { fault: 'is missing' })

/** A text that may be absent: `undefined` then. */
export const absent: Reader<string | undefined> = text => ({ value: text || undefined })

/** Any text; required when no standard is given. */
export function text(standard?: string): Reader<string> {
  return orStandard(given => ({ value: given }), standard)
}

/** A whole number from `min` to `max`; required when no standard is given. */
export function integer(
  min: number,
  standard?: number,
  max = Number.MAX_SAFE_INTEGER
): Reader<number> {
  const limit = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
  return orStandard(given => {
    const value = /^[+-]?\d+$/.test(given) ? Number(given) : Number.NaN
    return value >= min && value <= max ? { value } : { fault: `must be a whole number ${limit}` }
  }, standard)
}

/** A finite number of at least `min`; required when no standard is given. */
export function number(min: number, standard?: number): Reader<number> {
  return orStandard(given => {
    const value = given.trim() === '' ? Number.NaN : Number(given)
    return Number.isFinite(value) && value >= min
      ? { value }
      : { fault: `must be a number of at least ${min}` }
  }, standard)
}

/** One of a few words; required when no standard is given. */
export function oneOf<const T extends string>(
  values: readonly T[],
  standard?: NoInfer<T>
): Reader<T> {
  return orStandard(given => {
    const value = values.find(each => each === given)
    return value === undefined ? { fault: `must be one of ${values.join(', ')}` } : { value }
  }, standard)
}

/** `yes` or `no`. */
export function yesOrNo(standard: boolean): Reader<boolean> {
  const word = oneOf(['yes', 'no'], standard ? 'yes' : 'no')
  return given => {
    const read = word(given)
    return 'value' in read ? { value: read.value === 'yes' } : read
  }
}

/** Texts between commas, spaces around them dropped; required when no standard is given. */
export function list(standard?: readonly string[]): Reader<readonly string[]> {
  return orStandard(given => {
    const value = given.split(',').map(each => each.trim())
    return value.includes('')
      ? { fault: 'must be a list with commas between its entries' }
      : { value }
  }, standard)
}

/** A file or folder, made absolute against the working directory. */
export function path(standard?: string): Reader<string> {
  return orStandard(
    given => ({ value: resolve(given) }),
    standard === undefined ? undefined : resolve(standard)
  )
}

function orStandard<T>(
  read: (given: string) => { value: T } | { fault: string },
  standard: T | undefined
): Reader<T> {
  return given => {
    if (given) return read(given)
    return standard === undefined ? { fault: 'is missing' } : { value: standard }
  }
}
