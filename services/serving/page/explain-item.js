// Why an item is recommended: its score in parts, what each click did for it, and the codes of its ID.
// Only the answer to a question that asks for it says so; nothing here is computed.
import { nameOf } from './describe-item.js'
import { element } from './item-card.js'

const partNames = {
  model: 'what the model expects',
  'co-visitation': 'what others visited together',
  similarity: 'what is described alike',
  popularity: 'how often it is clicked'
}

/**
 * Shows an explanation in a dialog.
 *
 * @param {HTMLDialogElement} dialog
 * @param {object} recommended an item of an answer, with its explanation
 * @param {(key: string) => object} itemOf finds what is known of an item
 */
export function showExplanation(dialog, recommended, itemOf) {
  const { item, score, source, explanation } = recommended
  const title = element('h2', '', `Why ${nameOf(itemOf(item))}?`)
  title.id = 'why'
  const close = element('button', 'quiet', 'Close')
  close.type = 'button'
  close.addEventListener('click', () => dialog.close())
  dialog.replaceChildren(
    element('div', 'heading', [title, close]),
    element('p', 'faint', `Score ${score.toFixed(3)}, ${source}. It is the sum of:`),
    scoreParts(explanation.score),
    ...clicksSection(explanation.clicks, itemOf),
    ...pathSection(explanation.path, itemOf)
  )
  dialog.showModal()
}

function scoreParts(parts) {
  const counted = parts.filter(({ weight }) => weight > 0)
  const bars = counted.map(({ part, weight, share }) =>
    bar(partNames[part] ?? part, weight * share)
  )
  return element('ul', 'bars', scaled(bars))
}

function clicksSection(clicks, itemOf) {
  if (clicks.length === 0) return []
  const bars = clicks.map(({ item, share }) => {
    const made = bar(nameOf(itemOf(item)), share)
    made.line.dataset.click = item
    return made
  })
  return [
    element('h3', '', 'Clicks that mattered most'),
    element('ul', 'bars', scaled(bars)),
    element('p', 'faint', 'What each adds to the score; below zero, it speaks against the item.')
  ]
}

function bar(name, value) {
  const length = element('span', 'length')
  const figures = [element('span', 'name', name), element('span', 'score', value.toFixed(3))]
  const line = element('li', '', [...figures, element('span', 'bar', [length])])
  if (value < 0) line.className = 'against'
  return { line, length, value }
}

function scaled(bars) {
  const largest = Math.max(...bars.map(({ value }) => Math.abs(value))) || 1
  for (const { length, value } of bars) {
    length.style.width = `${Math.round((100 * Math.abs(value)) / largest)}%`
  }
  return bars.map(({ line }) => line)
}

function pathSection(path, itemOf) {
  if (path.length === 0) return []
  return [
    element('h3', '', 'Its ID, code by code'),
    element(
      'ol',
      'path',
      path.map(step => stepOf(step, itemOf))
    )
  ]
}

function stepOf({ code, probability, name, items, words, examples }, itemOf) {
  const chance = probability === undefined ? '' : `${(100 * probability).toFixed(1)} %`
  const said = [name, ...words.filter(word => word !== name)].filter(Boolean).join(', ')
  const shown = examples.map(key => nameOf(itemOf(key))).join(', ')
  return element('li', '', [
    element('span', 'mono', String(code)),
    element('span', 'said', said || shown),
    element('span', 'score', chance),
    element(
      'span',
      'faint',
      `${items} ${items === 1 ? 'item' : 'items'}${said ? `: ${shown}` : ''}`
    )
  ])
}
