import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  absent,
  integer,
  list,
  number,
  oneOf,
  path,
  type Reader,
  readConfig,
  required,
  text,
  yesOrNo
} from '#shared/runtime/config.ts'

describe('readConfig', () => {
  test('reads each setting from its variable', () => {
    const config = readConfig<{ databaseUrl: string; sessionGapMinutes: number }>(
      { DATABASE_URL: 'postgres://here', SESSION_GAP_MINUTES: '45', HOME: '/root' },
      {
        databaseUrl: ['DATABASE_URL', required],
        sessionGapMinutes: ['SESSION_GAP_MINUTES', integer(1, 30)]
      }
    )

    expect(config).toEqual({ databaseUrl: 'postgres://here', sessionGapMinutes: 45 })
  })

  test('names all faults at once', () => {
    const read = () =>
      readConfig<{ databaseUrl: string; sessionGapMinutes: number }>(
        { SESSION_GAP_MINUTES: '0' },
        {
          databaseUrl: ['DATABASE_URL', required],
          sessionGapMinutes: ['SESSION_GAP_MINUTES', integer(1, 30)]
        }
      )

    expect(read).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: 'DATABASE_URL is missing; SESSION_GAP_MINUTES must be a whole number of at least 1'
      })
    )
  })

  test('names what is wrong together with what is wrong alone, which is absent then', () => {
    const read = () =>
      readConfig<{ user: string | undefined; password: string | undefined; port: number }>(
        { DATABASE_PASSWORD: 'hunter2', PORT: 'none' },
        {
          user: ['DATABASE_USER', absent],
          password: ['DATABASE_PASSWORD', absent],
          port: ['PORT', integer(0)]
        },
        ({ user, password, port }) =>
          user === undefined && password !== undefined && port === undefined
            ? ['DATABASE_PASSWORD is of no use without DATABASE_USER']
            : []
      )

    expect(read).toThrow(
      'PORT must be a whole number of at least 0; DATABASE_PASSWORD is of no use without DATABASE_USER'
    )
  })

  test('gives a config that nobody can change', () => {
    const config = readConfig<{ host: string }>({}, { host: ['HOST', text('localhost')] })

    expect(Object.isFrozen(config)).toBe(true)
  })
})

describe('a reader', () => {
  const valid: [string, Reader<unknown>, string | undefined, unknown][] = [
    ['required: any text', required, 'x', 'x'],
    ['absent: any text', absent, 'x', 'x'],
    ['absent: nothing', absent, undefined, undefined],
    ['absent: an empty text is nothing', absent, '', undefined],
    ['text: the standard', text('a'), undefined, 'a'],
    ['text: an empty text is not set', text('a'), '', 'a'],
    ['integer: a whole number', integer(0), '8080', 8080],
    ['integer: its smallest', integer(-1), '-1', -1],
    ['integer: its largest', integer(0, 80, 65_535), '65535', 65_535],
    ['integer: a standard of 0', integer(0, 0), undefined, 0],
    ['number: a fraction', number(0), '0.25', 0.25],
    ['number: an exponent', number(0), '1e-3', 0.001],
    ['yesOrNo: yes', yesOrNo(false), 'yes', true],
    ['yesOrNo: no', yesOrNo(true), 'no', false],
    ['yesOrNo: the standard', yesOrNo(true), undefined, true],
    ['oneOf: a word of the list', oneOf(['auto', 'cpu'], 'auto'), 'cpu', 'cpu'],
    ['oneOf: the standard', oneOf(['auto', 'cpu'], 'auto'), undefined, 'auto'],
    ['list: spaces around entries', list(), 'a:1, b:2 ', ['a:1', 'b:2']],
    ['list: the standard', list([]), undefined, []],
    ['path: made absolute', path(), 'data', resolve('data')],
    ['path: the standard, too', path('.nextrie'), undefined, resolve('.nextrie')]
  ]
  test.each(valid)('accepts %s', (_, reader, given, value) => {
    expect(reader(given)).toEqual({ value })
  })

  const invalid: [string, Reader<unknown>, string | undefined, string][] = [
    ['required: nothing', required, undefined, 'is missing'],
    ['required: an empty text', required, '', 'is missing'],
    ['text without a standard: nothing', text(), undefined, 'is missing'],
    ['integer: a fraction', integer(1), '1.5', 'must be a whole number of at least 1'],
    ['integer: a text', integer(1), '12 apples', 'must be a whole number of at least 1'],
    ['integer: hexadecimal', integer(1), '0x10', 'must be a whole number of at least 1'],
    ['integer: below its smallest', integer(1), '0', 'must be a whole number of at least 1'],
    ['integer: above its largest', integer(0, 80, 9), '10', 'must be a whole number from 0 to 9'],
    [
      'integer: beyond 2^53',
      integer(0),
      '9007199254740993',
      'must be a whole number of at least 0'
    ],
    ['number: a space', number(0), ' ', 'must be a number of at least 0'],
    ['number: infinity', number(0), 'Infinity', 'must be a number of at least 0'],
    ['yesOrNo: another word', yesOrNo(true), 'true', 'must be one of yes, no'],
    ['oneOf: another word', oneOf(['auto', 'cpu']), 'gpu', 'must be one of auto, cpu'],
    ['list: an empty entry', list(), 'a,,b', 'must be a list with commas between its entries']
  ]
  test.each(invalid)('refuses %s', (_, reader, given, fault) => {
    expect(reader(given)).toEqual({ fault })
  })
})
