// Draws an item from its attributes, because the data has no pictures: the colour is the item's
// own, the shape is its category's, and the weave is picked by its key so that neighbours differ.
import { categoriesOf } from './describe-item.js'

const colours = {
  beige: '#d9c3a0',
  black: '#2b2b2e',
  blue: '#3f74b5',
  brown: '#7d5236',
  burgundy: '#74233a',
  gold: '#c89b3c',
  gray: '#8b8f94',
  green: '#4b8a57',
  grey: '#8b8f94',
  navy: '#26365e',
  olive: '#7b7a3a',
  orange: '#dd7f36',
  pink: '#e193ac',
  purple: '#7a5299',
  red: '#c23b3b',
  silver: '#b4b9be',
  turquoise: '#3fa7a3',
  violet: '#8a62b0',
  white: '#f6f4ef',
  yellow: '#e3bf45'
}
const manyColours = ['#c23b3b', '#e3bf45', '#4b8a57', '#3f74b5', '#8a62b0']

/** Outlines for words of the category, in a field of 120 by 90. */
const shapes = [
  [/trouser|pant|jean|legging/, 'M43 13h34l5 64H67l-7-44-7 44H38z'],
  [/skirt/, 'M48 15h24l2 8 18 49q-32 10-64 0l18-49z'],
  [/dress/, 'M49 12q11 10 22 0l6 4-3 20 15 40q-29 8-58 0l15-40-3-20z'],
  [
    /blouse|shirt|top|sweater|jacket|coat/,
    'M46 15q14 11 28 0l21 12-9 17-10-5v38H44V39l-10 5-9-17z'
  ],
  [
    /sale|outlet|discount/,
    'M33 45 60 17h27v27L60 73q-4 3-8 0L33 53q-3-4 0-8zM77 23a4 4 0 1 0 .1 0z'
  ],
  [/shoe|boot|sandal|foot/, 'M28 34l20 3q6 12 22 17l20 5q8 3 6 12H28z'],
  [/bag|purse|luggage/, 'M34 38h12q0-22 14-22t14 22h12l6 36H28z'],
  [/book|novel/, 'M36 14h46v60H36q-5 0-5-6V20q0-6 5-6z'],
  [/nail|lacquer|makeup|beauty|skin|hair|fragrance/, 'M53 12h14v24q14 5 14 18v22H39V54q0-13 14-18z']
]

/** For all other categories: a form of its own for each, by its name. */
const emblems = [
  'M60 14a31 31 0 1 0 .1 0zM60 29a16 16 0 1 1-.1 0z',
  'M60 12 92 45 60 78 28 45z',
  'M34 20h52v14H34zM34 39h38v14H34zM34 58h46v14H34z',
  'M60 12q20 16 0 33-20-17 0-33zM60 45q20 16 0 33-20-17 0-33zM27 45q16-20 33 0-17 20-33 0zM60 45q16-20 33 0-17 20-33 0z',
  'M30 72q0-54 30-58 30 4 30 58z',
  'M60 13l28 16v32L60 77 32 61V29z'
]

const weaves = ['plain', 'stripes', 'dots', 'bands']
let drawn = 0

/** @returns {SVGElement} decoration only: hidden from screen readers. */
export function drawItem(item) {
  const [colour, ...others] = coloursOf(item)
  const category = categoriesOf(item).join(' ').toLowerCase()
  const clip = `shape-${++drawn}`
  const outline = outlineOf(category)
  const shape = svg('path', { d: outline, 'fill-rule': 'evenodd', class: 'shape' })
  shape.style.fill = colour
  const weave = svg('g', { 'clip-path': `url(#${clip})` }, weaveOf(item, others))
  const clipPath = svg('clipPath', { id: clip }, [
    svg('path', { d: outline, 'clip-rule': 'evenodd' })
  ])
  const ground = svg('rect', { width: 120, height: 90, class: 'ground' })
  ground.style.fill = `color-mix(in oklab, ${colour} 16%, var(--tile))`
  const edge = svg('path', { d: outline, class: 'edge' })
  const attributes = { viewBox: '0 0 120 90', class: 'drawing', 'aria-hidden': 'true' }
  return svg('svg', attributes, [clipPath, ground, shape, weave, edge])
}

/** The item's colours, or one made of its category's name. */
function coloursOf(item) {
  const { colour, color } = item.attributes
  const said = String(colour ?? color ?? '').toLowerCase()
  if (/many|multi|mixed/.test(said)) return manyColours
  const known = said.split(/\W+/).find(word => word in colours)
  if (known) return [colours[known]]
  return [`hsl(${hash(categoriesOf(item).join('/') || item.id) % 360} 38% 52%)`]
}

function outlineOf(category) {
  const known = shapes.find(([words]) => words.test(category))
  return known ? known[1] : emblems[hash(category) % emblems.length]
}

/** Lines of light over the shape; an item of many colours shows all of them. */
function weaveOf(item, others) {
  if (others.length > 0) return others.map((colour, i) => filled(band(34 + i * 12, 12), colour))
  const weave = weaves[hash(item.id) % weaves.length]
  if (weave === 'stripes')
    return range(9).map(i => light({ x: 24 + i * 9, y: 0, width: 2, height: 90 }))
  if (weave === 'bands')
    return range(3).map(i => light({ x: 0, y: 26 + i * 18, width: 120, height: 5 }))
  if (weave === 'dots') {
    return range(54).map(i => {
      const row = Math.floor(i / 9)
      const at = { cx: 22 + (i % 9) * 10 + (row % 2) * 5, cy: 16 + row * 12, r: 1.7 }
      return svg('circle', { ...at, class: 'light' })
    })
  }
  return []
}

function band(y, height) {
  return { x: 0, y, width: 120, height }
}

function light(box) {
  return svg('rect', { ...box, class: 'light' })
}

function filled(box, colour) {
  const rect = svg('rect', box)
  rect.style.fill = colour
  return rect
}

function range(length) {
  return Array.from({ length }, (_, i) => i)
}

/** FNV-1a: the same item looks the same on every visit. */
function hash(text) {
  let value = 0x811c9dc5
  for (const character of text) value = Math.imul(value ^ character.codePointAt(0), 0x01000193)
  return (value ^ (value >>> 15)) >>> 0
}

function svg(name, attributes, children = []) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  element.append(...children)
  return element
}
