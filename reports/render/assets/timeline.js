// The run of a finding as swim-lanes: a lane a task, time downwards. Peer text goes in as text only.
// SPDX-License-Identifier: MIT
'use strict';

// What is shown of hostile text: control and direction characters become visible.
function visible(text) {
  return String(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (c) => c < ' ' ? String.fromCharCode(0x2400 + c.charCodeAt(0))
      : '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));
}

// An element with attributes and children; strings become text nodes.
function h(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? '' : value);
  }
  for (const child of children.flat(4)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : visible(child));
  }
  return element;
}

function s(name, attributes, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes || {}))
    if (value !== undefined && value !== false) element.setAttribute(key, value);
  for (const child of children.flat())
    if (child) element.append(child instanceof Node ? child : visible(child));
  return element;
}

function plural(count, what) {
  return count.toLocaleString('en') + ' ' + what + (count === 1 ? '' : 's');
}

function virtual_time(ns) {
  const units = [[1e9, 's'], [1e6, 'ms'], [1e3, 'µs'], [1, 'ns']];
  const [size, name] = units.find(([one]) => ns >= one) || [1, 'ns'];
  return Number((ns / size).toPrecision(4)) + ' ' + name;
}

const ROW = 34, BOX = 24, CUT = 30, GAP = 22, GUTTER = 46, NARROWEST = 132, WIDEST = 430, LETTER = 7.23;

class Timeline {
  constructor(data) {
    this.data = data;
    this.steps = data.steps;
    this.by_index = new Map(this.steps.map((step) => [step.i, step]));
    const relevant = this.steps.filter((step) => step.k).length;
    this.can_choose = relevant > 0 && relevant < this.steps.length;
    this.only_relevant = this.can_choose;
    this.cuts = new Map();
    this.struck = new Set();
    for (const deviation of data.deviations) {
      if (deviation.kind === 'preempt' || deviation.kind === 'wake' || deviation.kind === 'remove' ||
          deviation.kind === 'fill' || deviation.kind === 'signal')
        this.cuts.set(deviation.at, [...(this.cuts.get(deviation.at) || []), deviation.text]);
      else this.struck.add(deviation.at);
    }
    this.stuck = new Map(data.waiting.map((one) => [one.i, one]));
    this.selected = this.by_index.has(data.at) ? data.at : (this.steps.at(-1) || { i: -1 }).i;
    this.element = this.build();
  }

  name_of(task) { return task < this.data.tasks.length ? this.data.tasks[task].name : '?'; }
  object_of(step) { return step.o === undefined ? '' : this.data.objects[step.o].name; }

  build() {
    this.lanes = h('div', { class: 'lanes', tabindex: '0', role: 'listbox',
      'aria-label': 'Steps of the run, a lane for each task. Arrow keys step.',
      onkeydown: (event) => this.key(event) });
    this.panel = h('aside', { class: 'panel', 'aria-label': 'The selected step' });
    const button = (text, label, act) =>
      h('button', { type: 'button', 'aria-label': label, title: label, onclick: act }, text);
    const toggle = h('button', { type: 'button', 'aria-pressed': String(this.only_relevant), id: 'relevant',
      onclick: () => {
        this.only_relevant = !this.only_relevant;
        toggle.setAttribute('aria-pressed', String(this.only_relevant));
        this.draw();
        this.select(this.selected, true);
      } }, 'Only relevant steps');
    const bar = h('div', { class: 'bar', role: 'group', 'aria-label': 'Stepping' },
      button('First', 'First step (Home)', () => this.move('first')),
      button('Previous', 'Previous step (Arrow up)', () => this.move(-1)),
      button('Next', 'Next step (Arrow down)', () => this.move(1)),
      button('Last', 'Last step (End)', () => this.move('last')),
      h('span', { class: 'gap' }),
      this.can_choose && toggle);
    new ResizeObserver(() => this.fit()).observe(this.lanes);
    return h('div', {}, bar, h('div', { class: 'run' }, this.lanes, this.panel), this.legend());
  }

  legend() {
    const line = (kind, text) => h('li', {}, s('svg', { width: 26, height: 10, 'aria-hidden': 'true' },
      s('path', { d: 'M0 5H19', class: 'arrow ' + kind, 'stroke-width': 2, fill: 'none' }),
      s('path', { d: 'M18 1L26 5L18 9z', class: 'tip ' + kind })), text);
    const kinds = new Set(this.data.arrows.map((arrow) => arrow[2]));
    return h('ul', { class: 'legend', 'aria-label': 'Legend' },
      kinds.has('message') && line('message', 'message'), kinds.has('bytes') && line('bytes', 'bytes'),
      kinds.has('signal') && line('signal', 'signal'),
      h('li', {}, 'red: made by the plan, or where it fails'), h('li', {}, 'hatched: blocked'),
      h('li', {}, h('kbd', {}, '↑'), ' ', h('kbd', {}, '↓'), ' step, ', h('kbd', {}, 'Home'), ' ',
        h('kbd', {}, 'End'), ', ', h('kbd', {}, '←'), ' ', h('kbd', {}, '→'), ' along an arrow'),
      this.data.left_out > 0 && h('li', {}, plural(this.data.left_out, 'step') + ' of ' +
        this.data.total.toLocaleString('en') + ' are not in this report'));
  }

  fit() {
    const width = this.lanes.clientWidth;
    if (width > 0 && width !== this.width) {
      const is_first = this.width === undefined;
      this.width = width;
      this.draw();
      this.select(this.selected, is_first);
    }
  }

  // Of a loop the first round, and the one in which it shows; how often it came stands below.
  shown() {
    this.again = new Map();
    if (!this.only_relevant) return this.steps;
    const all = this.steps.filter((step) => step.k || step.i === this.data.at);
    const same = (a, b) => a && b && ['e', 'c', 't', 'o', 'r', 'err', 'd', 'to'].every((key) => a[key] === b[key]);
    const rows = [];
    for (let first = 0; first < all.length;) {
      let round = 1, times = 1;
      for (let length = 1; length <= 8 && times < 3; ++length) {
        let end = first + length;
        while (end < all.length && same(all[end - length], all[end])) ++end;
        if (Math.floor((end - first) / length) >= 3) [round, times] = [length, Math.floor((end - first) / length)];
      }
      for (let i = 0; i < times * round; ++i) {
        const at = all.slice(first + i - i % round, first + i - i % round + round);
        if (i < round || at.some((step) => step.i === this.data.at || this.stuck.has(step.i))) rows.push(all[first + i]);
      }
      first += times * round;
      if (times > 1) this.again.set(all[first - 1].i + 1, (round === 1 ? 'this step comes ' : 'these ' + round + ' steps come ') + times + ' times');
    }
    return rows;
  }

  draw() {
    this.rows = this.shown();
    const tasks = [...new Set(this.rows.map((step) => step.t).filter((t) => t !== undefined))].sort((a, b) => a - b);
    this.lane = Math.min(WIDEST, Math.max(NARROWEST, (this.width - GUTTER - 8) / Math.max(tasks.length, 1)));
    this.x = new Map(tasks.map((task, i) => [task, GUTTER + i * this.lane]));
    this.inset = this.lane > 190 ? 18 : 9;
    this.total = Math.max(GUTTER + tasks.length * this.lane + 8, this.width);
    this.y = new Map();
    const extras = [];
    let y = 10;
    let last = this.rows.length ? this.rows[0].i - 1 : 0;
    for (const step of this.rows) {
      if (step.i > last + 1) { extras.push(['gap', y, this.hidden(last + 1, step.i)]); y += GAP; }
      for (let at = last + 1; at <= step.i; ++at)
        for (const text of this.cuts.get(at) || []) { extras.push(['cut', y, text]); y += CUT; }
      this.y.set(step.i, y);
      y += ROW;
      last = step.i;
    }
    const rest = this.hidden(last + 1, Infinity);
    if (rest) { extras.push(['gap', y, rest]); y += GAP; }
    for (const [at, texts] of this.cuts)
      if (at > last) for (const text of texts) { extras.push(['cut', y, text]); y += CUT; }
    this.end = y + (this.rows.some((step) => this.stuck.has(step.i)) ? 58 : 22);
    const svg = s('svg', { width: this.total, height: this.end, role: 'presentation' }, this.marks(),
      this.lives(tasks));
    this.groups = new Map();
    for (const step of this.rows) if (step.e === 'waits') svg.append(this.blocked(step) || '');
    for (const [kind, at, what] of extras) svg.append(kind === 'gap' ? this.gap(at, what) : this.cut(at, what));
    for (const step of this.rows) svg.append(this.row(step));
    svg.append(this.arrows());
    const heads = h('div', { class: 'heads', 'aria-hidden': 'true' }, tasks.map((task) => {
      const head = h('span', { title: this.name_of(task) }, this.name_of(task));
      head.style.left = this.x.get(task) + 'px';
      head.style.width = this.lane + 'px';
      return head;
    }));
    heads.style.width = this.total + 'px';
    this.lanes.replaceChildren(heads, svg);
  }

  marks() {
    const tip = (kind) => s('marker', { id: 'tip-' + kind, viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 9,
      markerHeight: 9, markerUnits: 'userSpaceOnUse', orient: 'auto' }, s('path', { d: 'M0 0L8 4L0 8z', class: 'tip ' + kind }));
    return s('defs', {}, ['message', 'bytes', 'signal'].map(tip),
      s('pattern', { id: 'hatch', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
        s('path', { d: 'M0 0V6', class: 'hatch-line' })));
  }

  lives(tasks) {
    return s('g', {}, tasks.map((task) => {
      const own = this.rows.filter((step) => step.t === task);
      const dies = own.find((step) => step.e === 'died');
      const x = this.x.get(task) + this.lane / 2;
      const born = this.data.tasks[task].born;
      const first = this.rows.find((step) => step.i >= born) || own[0];
      return s('line', { class: 'life', x1: x, x2: x, y1: born > this.rows[0].i ? this.y.get(first.i) : 0,
        y2: dies && own.at(-1) === dies ? this.y.get(dies.i) + BOX : this.end });
    }));
  }

  // What is not shown of the steps from..to: a loop's rounds, or how many.
  hidden(from, to) {
    const loop = [...this.again].find(([at]) => at >= from && at <= to);
    if (loop) return loop[1];
    const count = to === Infinity ? 0 : to - from;
    return count && plural(count, 'step') + ' not shown';
  }

  gap(y, text) { return s('g', {}, s('text', { class: 'gap-text', x: GUTTER, y: y + 14 }, '⋮ ' + text)); }

  cut(y, text) {
    const room = Math.floor((this.total - GUTTER - 24) / LETTER);
    const shown = text.length > room ? text.slice(0, room - 1) + '…' : text;
    return s('g', {}, s('title', {}, text), s('line', { class: 'cut', x1: 6, x2: this.total - 6, y1: y + 13, y2: y + 13 }),
      s('rect', { class: 'cut-box', x: GUTTER, y: y + 2, width: shown.length * LETTER + 18, height: 22, rx: 11 }),
      s('text', { class: 'cut-text', x: GUTTER + 9, y: y + 17 }, shown));
  }

  // From a wait to the next step of its task, whether that is shown or not.
  blocked(step) {
    const until = this.steps.find((next) => next.i > step.i && next.t === step.t && next.e !== 'waits');
    const for_ever = this.stuck.has(step.i);
    const below = !for_ever && until && this.rows.find((row) => row.i >= until.i);
    const top = this.y.get(step.i) + BOX, x = this.x.get(step.t) + this.lane / 2;
    const bottom = below ? this.y.get(below.i) : this.end - (for_ever ? 20 : 0);
    if (bottom <= top) return undefined;
    return s('g', {}, s('rect', { class: 'halo', x: x - 7, width: 14, y: top, height: bottom - top }),
      s('rect', { class: 'stuck', x: x - 7, width: 14, y: top, height: bottom - top }),
      for_ever && s('text', { class: 'for-ever', x, y: this.end - 6 }, 'waits for ever'));
  }

  label(step) {
    if (step.e !== 'call' && step.e !== 'waits') return step.x;
    const target = step.c === 'kill' && step.to !== undefined
      ? this.name_of(step.to) + (step.sig ? ', ' + step.sig : '') : this.object_of(step) || step.a || '';
    if (step.e === 'waits') return step.c + '(' + target + ') waits';
    const result = step.err !== undefined ? step.err : step.r;
    return step.c + '(' + target + ')' + (result === undefined || result === 0 ? '' : ' = ' + result) +
      (step.d ? ' "' + step.d + '"' : '');
  }

  classes(step) {
    const flags = step.f || [];
    const is_fault = flags.includes('injected') || this.struck.has(step.i) || flags.includes('wild_target') ||
      flags.includes('coalesced') || (step.e === 'died' && step.sig);
    return ['row', step.e === 'waits' && 'waits', step.err && 'error',
      (step.e === 'delivered' || step.e === 'timer' || step.c === 'kill') && 'signal',
      is_fault && 'fault', (step.i === this.data.at || this.stuck.has(step.i)) && 'here'].filter(Boolean).join(' ');
  }

  row(step) {
    const y = this.y.get(step.i), x = this.x.get(step.t);
    const flags = (step.f || []).join(', ');
    const group = s('g', { class: this.classes(step), role: 'option', id: 'step-' + step.i, 'aria-selected': 'false',
      'aria-label': visible('step ' + step.i + ', ' + (step.t === undefined ? '' : this.name_of(step.t) + ': ') + step.x + (flags ? ', ' + flags : '')) },
      s('title', {}, step.x), s('rect', { class: 'back', x: 0, y: y - 5, width: this.total, height: ROW }),
      s('text', { class: 'count', x: GUTTER - 12, y: y + 16 }, String(step.i)));
    if (x === undefined) {
      group.append(s('text', { class: 'what', x: GUTTER, y: y + 16 }, step.x));
    } else {
      const width = this.lane - 2 * this.inset, room = Math.max(3, Math.floor((width - 14) / LETTER));
      const text = this.label(step);
      const shown = text.length > room ? text.slice(0, room - 1) + '…' : text;
      const plain = ['born', 'died', 'restarted', 'exec'].includes(step.e);
      group.append(s('rect', { class: plain ? 'box soft-box' : 'box', x: x + this.inset, y, width, height: BOX, rx: plain ? 12 : 6 }),
        s('text', { class: 'what', x: x + this.inset + width / 2, y: y + 16, 'text-anchor': 'middle' }, shown));
    }
    group.addEventListener('click', () => { this.select(step.i); this.lanes.focus({ preventScroll: true }); });
    this.groups.set(step.i, group);
    return group;
  }

  arrows() {
    this.lines = [];
    return s('g', { 'aria-hidden': 'true' }, this.data.arrows.map(([from, to, kind]) => {
      if (!this.y.has(from) || !this.y.has(to)) return undefined;
      const a = this.by_index.get(from), b = this.by_index.get(to);
      const xa = this.x.get(a.t), xb = this.x.get(b.t);
      const ya = this.y.get(from) + BOX / 2, yb = this.y.get(to) + BOX / 2, inner = this.lane - this.inset;
      let d;
      if (xa === xb) d = `M${xa + inner} ${ya}C${xa + inner + 22} ${ya} ${xa + inner + 22} ${yb} ${xa + inner + 1} ${yb}`;
      else {
        const x1 = xa < xb ? xa + inner : xa + this.inset, x2 = xa < xb ? xb + this.inset - 1 : xb + inner + 1;
        const bend = Math.max(14, Math.abs(x2 - x1) / 2) * (xa < xb ? 1 : -1);
        d = `M${x1} ${ya}C${x1 + bend} ${ya} ${x2 - bend} ${yb} ${x2} ${yb}`;
      }
      const line = s('path', { class: 'arrow ' + kind, d, 'marker-end': `url(#tip-${kind})` });
      this.lines.push([from, to, line]);
      return line;
    }));
  }

  select(index, center) {
    const before = this.groups.get(this.selected);
    if (before) before.setAttribute('aria-selected', 'false');
    if (!this.groups.has(index)) {
      const next = this.rows.find((row) => row.i >= index) || this.rows.at(-1);
      if (!next) return;
      index = next.i;
    }
    this.selected = index;
    const group = this.groups.get(index);
    group.setAttribute('aria-selected', 'true');
    this.lanes.setAttribute('aria-activedescendant', group.id);
    for (const [from, to, line] of this.lines) line.classList.toggle('on', from === index || to === index);
    const y = this.y.get(index), view = this.lanes.clientHeight, top = this.lanes.scrollTop;
    if (center) this.lanes.scrollTop = Math.max(0, y - view * .6);
    else if (y < top + 20) this.lanes.scrollTop = y - 20;
    else if (y + 34 + ROW + 20 > top + view) this.lanes.scrollTop = y + 34 + ROW + 20 - view;
    this.tell(this.by_index.get(index));
  }

  move(by) {
    const at = this.rows.findIndex((row) => row.i === this.selected);
    const to = by === 'first' ? 0 : by === 'last' ? this.rows.length - 1 : at + by;
    if (this.rows[to]) this.select(this.rows[to].i);
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const along = (one, other) => {
      const arrow = this.lines.find((line) => line[one] === this.selected);
      if (arrow) this.select(arrow[other]);
    };
    const acts = { ArrowDown: () => this.move(1), ArrowUp: () => this.move(-1), j: () => this.move(1), k: () => this.move(-1),
      Home: () => this.move('first'), End: () => this.move('last'), PageDown: () => this.move(1), PageUp: () => this.move(-1),
      ArrowRight: () => along(0, 1), ArrowLeft: () => along(1, 0) };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  }

  // What is in each object after this step.
  contents(index) {
    const state = new Map(this.data.before.map(([object, what]) => [object, what]));
    for (const step of this.steps) {
      if (step.i > index) break;
      if (step.s) state.set(step.s[0], step.s[1]);
    }
    return state;
  }

  blocked_at(index) {
    const last = new Map();
    for (const step of this.steps) {
      if (step.i > index) break;
      if (step.t !== undefined) last.set(step.t, step);
    }
    return [...last.values()].filter((step) => step.e === 'waits');
  }

  tell(step) {
    const words = { injected: 'made by the plan', short: 'short transfer', coalesced: 'merged with a pending one: lost',
      during: 'during a call', nonblocking: 'non-blocking', wild_target: 'no live peer', timed_out: 'timed out',
      transparent: 'a right program does not mind', unknown_result: 'result not known' };
    const flags = (step.f || []).map((flag) => h('span', { class: 'pill ' + (flag === 'injected' ? 'new' : 'fault') }, words[flag] || flag));
    const holders = (this.stuck.get(step.i) || { holders: [] }).holders.map((task) => this.name_of(task));
    const content = (what) => what.messages !== undefined
      ? [plural(what.messages, 'message'), what.first.map((one) => h('code', {}, one)),
        what.messages > what.first.length && h('code', {}, '… ' + (what.messages - what.first.length) + ' more')]
      : what.values !== undefined ? h('code', {}, what.values)
      : what.content !== undefined ? h('code', {}, '"' + what.content + '"') : plural(what.bytes, 'byte') + ' unread';
    const state = [...this.contents(step.i)];
    const waiting = this.blocked_at(step.i);
    this.panel.replaceChildren(...[
      h('div', { class: 'pills' }, h('b', {}, 'Step ' + step.i), h('span', { class: 'soft' }, 'of ' + this.data.total.toLocaleString('en')), flags),
      h('p', { class: 'what' }, (step.t === undefined ? '' : this.name_of(step.t) + ' ') + step.x),
      step.a && h('p', { class: 'soft mono' }, step.a),
      holders.length > 0 && h('p', {}, 'Only ' + holders.join(', ') + ' could end this wait.'),
      step.ns !== undefined && h('p', { class: 'soft' }, 'virtual time ' + virtual_time(step.ns)),
      h('h3', {}, 'Queues, pipes and segments after it'),
      state.length === 0 ? h('p', { class: 'soft' }, 'nothing in them') : h('ul', {}, state.map(([object, what]) =>
        h('li', { class: step.s && step.s[0] === object ? 'changed' : undefined },
          h('b', {}, this.data.objects[object].name), ': ', content(what)))),
      h('h3', {}, 'Blocked now'),
      waiting.length === 0 ? h('p', { class: 'soft' }, 'nobody') : h('ul', {}, waiting.map((one) =>
        h('li', {}, h('b', {}, this.name_of(one.t)), ' in ' + one.c + '(' + this.object_of(one) + ')'))),
    ].filter(Boolean));
  }
}
