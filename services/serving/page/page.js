// The page's conductor. A click on any item becomes an event; then the next items are asked for
// with nothing but the session's id, exactly as a shop would.
import { call } from './api.js'
import { askForKey } from './api-key.js'
import { showCatalogue } from './catalogue.js'
import { categoriesOf, nameOf } from './describe-item.js'
import { drawItem } from './draw-item.js'
import { showExplanation } from './explain-item.js'
import { element } from './item-card.js'
import { nextItems } from './next-items.js'
import { currentSession, newSession, withClick } from './session.js'

const count = 12
const lookAgainMs = 2000

const part = name => document.querySelector(`[data-part="${name}"]`)
const action = name => document.querySelector(`[data-action="${name}"]`)
const showNext = nextItems(part('recommendations'))

let session = currentSession()
/** The catalogue by key, as far as it has been read. */
let items = new Map()
let answer
let asked = 0
let lookingAgain

/** Logs a click and shows what comes next. */
async function click(itemKey, rank) {
  const reply = await call('POST', '/v1/events', {
    id: crypto.randomUUID(),
    type: 'click',
    time: new Date().toISOString(),
    session: session.id,
    item: itemKey,
    ...(rank !== undefined && { recommendation_id: answer?.recommendation_id, position: rank })
  })
  if (!reply.ok) return showTrouble(reply)
  session = withClick(session, itemOf(itemKey))
  showSession()
  await askNext()
  const heading = document.querySelector('#next')
  if (heading.getBoundingClientRect().top < 0) heading.scrollIntoView({ behavior: 'smooth' })
}

function itemOf(itemKey) {
  const attributes = answer?.items.find(({ item }) => item === itemKey)?.attributes
  return items.get(itemKey) ?? { id: itemKey, attributes: attributes ?? {} }
}

/** Asks for the next items. Only the newest question is shown: answers may overtake each other. */
async function askNext() {
  const question = ++asked
  document.body.dataset.state = 'asking'
  const reply = await call('POST', '/v1/recommendations', questionNow())
  if (question !== asked) return
  showRequest(reply)
  if (!reply.ok) return showTrouble(reply)
  const isOtherRelease = answer?.release !== reply.body.release
  answer = reply.body
  showNext(answer.items)
  showSummary()
  part('trouble').hidden = true
  part('key').hidden = true
  part('recommendations').ariaBusy = 'false'
  document.body.dataset.state = 'ready'
  if (isOtherRelease) await showQuality()
}

function questionNow() {
  return { session: session.id, n: count, repeat: action('repeat').checked, attributes: true }
}

/** Asks the same again with reasons, which cost more than the answer. */
async function explain(itemKey) {
  const reply = await call('POST', '/v1/recommendations', { ...questionNow(), explain: true })
  showRequest(reply)
  if (!reply.ok) return showTrouble(reply)
  const recommended = reply.body.items.find(({ item }) => item === itemKey)
  if (recommended) showExplanation(part('explanation'), recommended, itemOf)
  else await askNext() // the answer is another one by now
}

function showSummary() {
  const clicks = session.trail.length
  const from = clicks === 0 ? 'a visitor of whom nothing is known' : plural(clicks, 'click')
  part('summary').textContent = `${plural(answer.items.length, 'item')} for ${from}.`
}

function showRequest({ recommenderMs, roundTripMs, curl, body }) {
  part('recommender-ms').textContent = recommenderMs === undefined ? '–' : `${recommenderMs} ms`
  part('round-trip-ms').textContent = `${roundTripMs.toFixed(1)} ms`
  part('release').textContent = body.release ?? '–'
  part('recommendation-id').textContent = body.recommendation_id ?? '–'
  part('curl').textContent = curl
}

/** While no release is loaded, or the service is away, looks again by itself. */
function showTrouble({ status, body }) {
  const waits = status === 0 || status === 503
  const isUntrained = body.code === 'RELEASE_NOT_FOUND'
  part('trouble').textContent = isUntrained
    ? 'No model is live yet. As soon as the trainer publishes a release, this page goes on.'
    : `${body.title}: ${body.detail}${waits ? ' Trying again …' : ''}`
  part('trouble').hidden = false
  part('key').hidden = !(status === 401 || status === 403)
  document.body.dataset.state = 'trouble'
  clearTimeout(lookingAgain)
  if (waits) lookingAgain = setTimeout(askNext, lookAgainMs)
}

function showSession() {
  part('session-id').textContent = session.id
  part('trail-empty').hidden = session.trail.length > 0
  part('trail').replaceChildren(...session.trail.map(step).reverse())
}

function step(item) {
  const words = element('span', '', [
    element('span', 'name', nameOf(item)),
    element('span', 'category', categoriesOf(item).slice(-1).join(''))
  ])
  const made = element('li', '', [drawItem(item), words])
  made.dataset.item = item.id
  return made
}

async function showQuality() {
  const { ok, body } = await call('GET', '/v1/releases')
  const serving = ok && body.releases.find(release => release.serving)
  part('quality').hidden = !serving || serving.quality.length === 0
  if (!serving) return
  part('quality-rows').replaceChildren(
    ...serving.quality.map(({ method, recall_at_10, ndcg_at_10 }) => {
      const head = element('th', '', method)
      head.scope = 'row'
      const figures = [recall_at_10, ndcg_at_10].map(figure => element('td', '', figure.toFixed(4)))
      return element('tr', '', [head, ...figures])
    })
  )
}

function plural(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

document.addEventListener('click', event => {
  const why = event.target.closest('button[data-why]')
  if (why) explain(why.dataset.why)
  const card = event.target.closest('button[data-item]')
  if (card) click(card.dataset.item, card.dataset.rank && Number(card.dataset.rank))
})
action('repeat').addEventListener('change', askNext)
askForKey(part('key'), askNext)
action('new-session').addEventListener('click', () => {
  session = newSession()
  showSession()
  askNext()
})
action('copy-curl').addEventListener('click', async ({ target }) => {
  await navigator.clipboard.writeText(part('curl').textContent)
  target.textContent = 'Copied'
  setTimeout(() => {
    target.textContent = 'Copy'
  }, 1500)
})

showSession()
await askNext()
items = await showCatalogue({
  grid: part('catalogue'),
  tabs: part('categories'),
  search: action('search'),
  more: action('more'),
  nothing: part('nothing-found')
})
