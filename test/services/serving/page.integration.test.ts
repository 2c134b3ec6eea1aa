// The page in a real browser, on a release that the trainer has made of a small shop. In that shop
// visitors go from each item to the next one of its ring: r0-0, r0-1, r0-2, …
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest'
import { createKey } from '#shared/apikeys/stored-keys.ts'
import { upsertItems } from '#shared/catalog/write-items.ts'
import { withTransaction } from '#shared/database/pool.ts'
import { appendEvents } from '#shared/eventlog/append-events.ts'
import { describeWithChromium } from '#test/support/chromium.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { runProgram } from '#test/support/program.ts'
import { type Serving, startServing } from '#test/support/serving.ts'
import { shopEvents, shopItems } from '#test/support/small-shop.ts'

/** A second would do, on a machine that has nothing else to do. */
const patience = { timeout: 20_000 }

describeWithChromium('the page', startChromium => {
  let database: TestDatabase
  let releases: string
  let serving: Serving
  let browser: Browser

  beforeAll(async () => {
    database = await createTestDatabase()
    releases = await mkdtemp(join(tmpdir(), 'nextrie-page-'))
    await fill(database)
    await runProgram('services/trainer/main.ts', {
      DATABASE_URL: database.url,
      RELEASES_FOLDER: releases,
      TRAINING_BACKEND: 'wasm',
      VALIDATION_DAYS: '2',
      TEST_DAYS: '2'
    })
    serving = await startServing({ DATABASE_URL: database.url })
    browser = await startChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await serving?.end('SIGTERM')
    await rm(releases, { recursive: true, force: true })
    await database.drop()
  })

  test('shows other next items after each click', async () => {
    const { page, faults } = await openPage()
    await expect.poll(() => sourcesOn(page), patience).toEqual(Array(12).fill('popular'))

    await page.locator('[data-part="catalogue"] [data-item="r0-0"]').click()
    await expect.poll(() => firstNext(page), patience).toBe('r0-1')
    await page.locator('[data-part="recommendations"] [data-item="r0-1"]').click()
    await expect.poll(() => firstNext(page), patience).toBe('r0-2')

    expect(await itemsOn(page, 'trail')).toEqual(['r0-1', 'r0-0'])
    expect(await page.locator('[data-part="summary"]').textContent()).toMatch('2 clicks')
    expect(await sourcesOn(page)).toContain('generated')
    expect(faults).toEqual([])
  })

  test('goes on with the session after a reload, and starts another when asked to', async () => {
    const { page } = await openPage()
    await page.locator('[data-part="catalogue"] [data-item="r3-0"]').click()
    await expect.poll(() => firstNext(page), patience).toBe('r3-1')

    await page.reload()
    await expect.poll(() => firstNext(page), patience).toBe('r3-1')
    const trailAfterReload = await itemsOn(page, 'trail')
    await page.locator('[data-action="new-session"]').click()
    await expect.poll(() => sourcesOn(page), patience).toEqual(Array(12).fill('popular'))

    expect(trailAfterReload).toEqual(['r3-0'])
    expect(await itemsOn(page, 'trail')).toEqual([])
  })

  test('says why an item is recommended: by which clicks, and what its codes stand for', async () => {
    const { page, faults } = await openPage()
    await page.locator('[data-part="catalogue"] [data-item="r2-0"]').click()
    await expect.poll(() => firstNext(page), patience).toBe('r2-1')

    await page.locator('[data-why="r2-1"]').click()
    const dialog = page.locator('[data-part="explanation"]')
    await dialog.locator('h2').waitFor()
    const [text, clicks, steps] = [
      await dialog.textContent(),
      await attributesOn(page, 'explanation', 'data-click'),
      await dialog.locator('.path li').allTextContents()
    ]
    await page.keyboard.press('Escape')

    expect(text).toMatch('what the model expects')
    expect(clicks).toEqual(['r2-0'])
    expect(steps.length).toBeGreaterThan(1)
    expect(steps[0]).toMatch(/[\d.]+ %\d+ items: /)
    expect(steps.at(-1)).toMatch(/1 item$/)
    expect(await dialog.isVisible()).toBe(false)
    expect(await itemsOn(page, 'trail')).toEqual(['r2-0']) // to ask why is no click
    expect(faults).toEqual([])
  })

  test('asks for an API key where one is needed, and keeps it in its tab alone', async () => {
    const { key } = await createKey(database.pool, { name: 'page', role: 'write' })
    const status = async () => (await fetch(`${serving.url}/v1/items`)).status
    await expect.poll(status, patience).toBe(401) // the service knows the key by now
    const { page } = await openPage()
    await page.locator('#api-key').fill(key)
    await page.locator('[data-part="key"] button').click()

    await expect.poll(() => sourcesOn(page), patience).toEqual(Array(12).fill('popular'))
    await page.locator('[data-part="catalogue"] [data-item="r1-0"]').click()
    await expect.poll(() => firstNext(page), patience).toBe('r1-1')

    const shown = await page.evaluate('document.documentElement.outerHTML')
    expect(shown).not.toContain(key.slice(-20))
    expect(shown).toContain('Bearer $NEXTRIE_API_KEY')
    expect(await page.locator('[data-part="key"]').isVisible()).toBe(false)
    const other = await page.context().newPage()
    await other.goto(serving.url)
    await other.locator('#api-key').waitFor()
    expect(await other.locator('[data-part="trouble"]').textContent()).toMatch('API key is needed')
  })

  /** `faults` is what went wrong in the browser: exceptions, and what its console calls an error. */
  async function openPage(): Promise<{ page: Page; faults: readonly string[] }> {
    const context = await browser.newContext()
    const page = await context.newPage()
    const faults: string[] = []
    page.on('pageerror', error => faults.push(String(error)))
    page.on('console', message => message.type() === 'error' && faults.push(message.text()))
    onTestFailed(() => keepScreenshot(page))
    await page.goto(serving.url)
    return { page, faults }
  }
})

async function fill({ pool }: TestDatabase): Promise<void> {
  const events = shopEvents({ days: 12, sessionsPerDay: 20, seed: 1 })
  await withTransaction(pool, async connection => {
    await upsertItems(connection, shopItems)
    await appendEvents(connection, events)
  })
}

async function keepScreenshot(page: Page): Promise<void> {
  const path = join(await mkdtemp(join(tmpdir(), 'nextrie-page-')), 'page.png')
  await page.screenshot({ path, fullPage: true })
  process.stderr.write(`What the page looked like: ${path}\n`)
}

async function firstNext(page: Page): Promise<string | undefined> {
  return (await itemsOn(page, 'recommendations'))[0]
}

function itemsOn(page: Page, part: string): Promise<string[]> {
  return attributesOn(page, part, 'data-item')
}

function sourcesOn(page: Page): Promise<string[]> {
  return attributesOn(page, 'recommendations', 'data-source')
}

/** An attribute of all elements in a part of the page that have it, read at one moment. */
function attributesOn(page: Page, part: string, name: string): Promise<string[]> {
  const elements = `document.querySelectorAll('[data-part="${part}"] [${name}]')`
  return page.evaluate(`Array.from(${elements}, element => element.getAttribute('${name}'))`)
}
