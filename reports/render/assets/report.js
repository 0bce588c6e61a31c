// The report's pages, built when they are opened. The address behind # says which one. What peers,
// logs and people wrote goes in through text nodes only. SPDX-License-Identifier: MIT
'use strict';

const overview = JSON.parse(document.getElementById('overview').textContent);
const main = document.getElementById('main');
const AT_ONCE = 100;  // rows of the list until more are asked for
const MOST_RUNS = 60;  // in a chart of runs
const WHOLE = [0, 1, 2, 3, 4, 5, 6, 7, 8].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power));  // between ticks
const HEADINGS = ['new', 'regressed', 'unstable', 'known', 'fixed', 'ignored', 'note'];
const wanted = { text: '', heading: '', kind: '', target: '' };

function say(text) { document.getElementById('said').textContent = visible(text); }

function date(ms) {
  if (!ms) return '';
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ') + ' UTC';
}

function run_of(id) { return overview.runs.find((run) => run.id === id); }

function run_name(id) {
  const run = run_of(id);
  return run ? 'run ' + id + ', ' + run.what + (run.started_ms ? ', ' + date(run.started_ms) : '') : 'run ' + id;
}

function bytes(count) {
  return count < 10000 ? plural(count, 'byte') : Number((count / 1024).toPrecision(3)).toLocaleString('en') + ' KiB';
}

function pill(text, kind) { return h('span', { class: 'pill ' + (kind || text) }, text); }

// What never repeats is unstable besides what a person said of it.
function pills(finding) {
  const first = pill(finding.heading, finding.heading === 'note' ? 'quiet' : '');
  return finding.unstable && finding.heading !== 'unstable' ? [first, ' ', pill('unstable')] : [first];
}

function href(finding) { return '#/finding/' + encodeURIComponent(finding.id); }

function card(title, ...children) {
  return h('section', { class: 'card' }, title && h('h2', {}, title), ...children);
}

function table(caption, head, rows, name) {
  const cell = (value, i) => {
    const attributes = head[i][1] ? { class: head[i][1] } : {};
    return i === 0 ? h('th', { scope: 'row', ...attributes }, value) : h('td', attributes, value);
  };
  return h('div', { class: 'scroll' }, h('table', { class: name }, caption && h('caption', {}, caption),
    h('thead', {}, h('tr', {}, head.map(([text, kind]) => h('th', { scope: 'col', class: kind }, text)))),
    h('tbody', {}, rows.map((row) => h('tr', {}, row.map(cell))))));
}

// ---- Summary

function matches(finding) {
  const text = wanted.text.toLowerCase();
  return (!wanted.heading || finding.heading === wanted.heading) &&
    (!wanted.kind || finding.kind === wanted.kind) && (!wanted.target || finding.target === wanted.target) &&
    (!text || [finding.cause, finding.kind, finding.target, finding.id, finding.signature, ...finding.peers].join('\n').toLowerCase().includes(text));
}

function headline() {
  const count = (heading) => overview.findings.filter((one) => one.heading === heading).length;
  const fresh = count('new'), back = count('regressed');
  if (overview.findings.length === 0) return 'No findings';
  const parts = [fresh && plural(fresh, 'new finding'), back && plural(back, 'regression')].filter(Boolean);
  return parts.length ? parts.join(' and ') : 'Nothing new';
}

function summary() {
  const list = h('div', {});
  const tiles = h('ul', { class: 'tiles', 'aria-label': 'Findings by standing' });
  const fill = () => {
    tiles.replaceChildren(...HEADINGS.map((heading) => {
      const count = overview.findings.filter((one) => one.heading === heading).length;
      if (['unstable', 'ignored', 'note'].includes(heading) && count === 0) return '';
      return h('li', {}, h('button', { type: 'button', class: 'tile ' + (count ? heading : 'none'), id: 'tile-' + heading,
        'aria-pressed': String(wanted.heading === heading),
        onclick: () => {
          wanted.heading = wanted.heading === heading ? '' : heading;
          fill();
          document.getElementById('tile-' + heading).focus();
          show_list(list);
        } }, h('b', {}, count.toLocaleString('en')), h('span', {}, heading === 'note' ? 'notes' : heading)));
    }));
  };
  fill();
  show_list(list);
  const last = overview.runs.at(-1);
  const note = last ? 'Last run: ' + last.what + ', ' + date(last.started_ms) + (last.commit ? ', commit ' + last.commit.slice(0, 12) : '') +
    (last.executions ? ', ' + plural(last.executions, 'execution') : '') + '.' : 'No run is in the store.';
  return ['Findings', h('h1', { tabindex: '-1' }, headline()), h('p', { class: 'lead' }, note), tiles,
    overview.findings.length > 0 && h('section', { class: 'card', 'aria-label': 'Findings' }, filters(list), list),
    charts(), breakdowns()];
}

function filters(list) {
  const choice = (name, text, values) => h('label', {}, text, h('select', { onchange: (event) => {
    wanted[name] = event.target.value;
    show_list(list);
  } }, h('option', { value: '' }, 'all'), values.map((value) => h('option', { value, selected: wanted[name] === value }, value))));
  const each = (key) => [...new Set(overview.findings.map((one) => one[key]))].sort();
  const search = h('input', { type: 'search', placeholder: 'cause, peer, id', value: wanted.text,
    oninput: (event) => { wanted.text = event.target.value; show_list(list); } });
  return h('form', { class: 'filters', role: 'search', onsubmit: (event) => event.preventDefault() },
    h('label', {}, 'Search', search), choice('kind', 'Kind', each('kind')), choice('target', 'Target', each('target')));
}

function show_list(list, most = AT_ONCE) {
  const found = overview.findings.filter(matches).sort((a, b) => (a.note ? 1 : 0) - (b.note ? 1 : 0));
  const row = (one) => h('tr', {},
    h('td', {}, ...pills(one)),
    h('th', { scope: 'row' }, h('a', { href: href(one) }, one.cause || one.signature),
      h('small', {}, h('span', { class: 'mono' }, one.kind), ' in ', one.target, one.sanitizer ? ', ' + one.sanitizer : '')),
    h('td', { class: 'number' }, plural(one.times, 'time')));
  const notes = found.filter((one) => one.note).length;
  list.replaceChildren(
    h('p', { class: 'soft', role: 'status' }, plural(found.length - notes, 'finding'), notes > 0 && ', ' + plural(notes, 'note'),
      found.length !== overview.findings.length && ', of ' + overview.findings.length.toLocaleString('en') + ' in all'),
    h('table', { class: 'findings' }, h('caption', { class: 'unseen' }, 'Findings'), h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Standing'),
      h('th', { scope: 'col' }, 'Cause'), h('th', { scope: 'col', class: 'number' }, 'Seen'))),
    h('tbody', {}, found.slice(0, most).map(row))));
  if (found.length > most)
    list.append(h('p', {}, h('button', { type: 'button', onclick: () => show_list(list, most + 500) },
      'Show more (' + (found.length - most).toLocaleString('en') + ' left)')));
}

function breakdowns() {
  const by = (title, key, other) => {
    const groups = new Map();
    for (const one of overview.findings.filter((each) => !each.note)) {
      const name = one[key] || other;
      const group = groups.get(name) || { all: 0, fresh: 0 };
      group.all += 1;
      if (one.heading === 'new' || one.heading === 'regressed') group.fresh += 1;
      groups.set(name, group);
    }
    const rows = [...groups].sort((a, b) => b[1].all - a[1].all).slice(0, 50)
      .map(([name, group]) => [name, group.fresh || '–', group.all]);
    return h('section', { class: 'card' }, table(title, [[title.replace('By ', '')], ['new', 'number'], ['all', 'number']], rows));
  };
  return overview.findings.length > 0 &&
    h('div', { class: 'two' }, by('By target', 'target', 'unknown'), by('By sanitizer', 'sanitizer', 'none'));
}

// Of a run: the samples of each target and tool, by their name.
function series_of(run) {
  const series = new Map();
  for (const one of overview.samples.filter((sample) => sample.run === run)) {
    const name = [one.target, one.engine, one.sanitizer].filter(Boolean).join(' ');
    series.set(name, [...(series.get(name) || []), one]);
  }
  return series;
}

// Of the newest run that was looked at more than once: one search has a single sample. Then of all runs of that kind.
function charts() {
  const times = new Map();
  for (const one of overview.samples) times.set(one.run, (times.get(one.run) || new Set()).add(one.at_s));
  const newest = Math.max(...[...times].filter(([, at]) => at.size > 1).map(([run]) => run), 0);
  if (newest === 0 || typeof uPlot === 'undefined') return undefined;
  return [h('div', { class: 'two' }, chart('Inputs per second', newest, 'per_second', 'line'), chart('Edges', newest, 'edges', 'steps')),
    run_by_run(run_of(newest))];
}

function run_by_run(newest) {
  const same = overview.runs.filter((run) => newest && run.what === newest.what).slice(-MOST_RUNS);
  if (same.length < 2) return undefined;
  const ids = same.map((run) => run.id);
  const edges = ids.map((id) => [...series_of(id).values()].filter(([one]) => one.engine !== 'conductor').reduce((sum, samples) => sum + Math.max(...samples.map((one) => one.edges)), 0));
  const found = ids.map((id) => overview.findings.filter((one) => !one.note && one.first_run === id).length);
  return h('div', { class: 'two' }, plot('Findings first seen, run by run', ids, [['findings', found]], (id) => 'run ' + id, 'dots'),
    plot('Edges of all targets, run by run', ids, [['edges', edges]], (id) => 'run ' + id, 'dots'));
}

// At most eight lines, those of most executions.
function chart(title, run, key, look) {
  const lines = [...series_of(run)].sort((a, b) => b[1].at(-1).executions - a[1].at(-1).executions).slice(0, 8);
  const times = [...new Set(lines.flatMap(([, samples]) => samples.map((one) => one.at_s)))].sort((a, b) => a - b);
  const values = lines.map(([name, samples]) => {
    const at = new Map(samples.map((one) => [one.at_s, one[key]]));
    return [name, times.map((time) => at.has(time) ? at.get(time) : null)];
  });
  return plot(title, times, values, (time) => time + ' s', look);
}

// `lines`: of each its name and its values, one for each of `at`; `label` says what one of those is; `look`: line, steps, dots.
function plot(title, at, lines, label, look) {
  const place = h('div', { class: 'chart' });
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const inks = ['--accent', '--violet', '--teal', '--amber', '--green', '--red', '--soft', '--text'].map(colour);
  const axis = { stroke: colour('--soft'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line') } };
  const figure = h('figure', { class: 'card' }, h('figcaption', {}, title), place,
    h('p', { class: 'unseen' }, lines.map(([name, values]) => name + ': ' + values.findLast((one) => one !== null) + ' at the end. ')));
  let drawn;
  new ResizeObserver(() => {
    const size = { width: place.clientWidth, height: 220 };
    if (size.width === 0) return;
    if (drawn) return drawn.setSize(size);
    drawn = new uPlot({ ...size, scales: { x: { time: false }, y: { range: (u, low, high) => [0, high * 1.08 || 1] } },
      axes: [{ ...axis, incrs: WHOLE, values: (u, ticks) => ticks.map(label) }, { ...axis, incrs: WHOLE, size: 62,
        values: (u, ticks) => ticks.map((one) => one >= 10000 ? one / 1000 + 'k' : one) }],
      series: [{ label: 'at', value: (u, one) => one === null ? '–' : label(one) }, ...lines.map(([name], i) => ({ label: visible(name),
        stroke: inks[i], width: 1.8, spanGaps: true, points: { show: look === 'dots' || at.length < 3 }, paths: look === 'steps' ? uPlot.paths.stepped({ align: 1 }) : undefined }))] },
    [at, ...lines.map(([, values]) => values)], place);
  }).observe(place);
  return figure;
}

function runs() {
  const rows = overview.runs.slice().reverse().map((run) => [run.what, date(run.started_ms), run.seconds.toFixed(0) + ' s',
    run.executions.toLocaleString('en'), run.commit.slice(0, 12), run.seed, run.outcome || 'was killed', run.flags]);
  return ['Runs', h('h1', { tabindex: '-1' }, 'Runs'), h('section', { class: 'card' }, table('', [['What'], ['Started'], ['Took', 'number'],
    ['Executions', 'number'], ['Commit'], ['Seed'], ['Ended'], ['Flags']], rows))];
}

// ---- A finding

function command(text, label) {
  if (!text) return undefined;
  const button = h('button', { type: 'button', 'aria-label': 'Copy: ' + label, onclick: async () => {
    const was = 'Copy';
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = h('textarea', { class: 'unseen' });
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand('copy');
      area.remove();
    }
    button.textContent = 'Copied';
    say('Copied: ' + label);
    setTimeout(() => { button.textContent = was; }, 1500);
  } }, 'Copy');
  return [h('h3', {}, label), h('div', { class: 'command' }, h('pre', {}, text), button)];
}

function hex_dump(digits) {
  const lines = [];
  for (let at = 0; at < digits.length; at += 32) {
    const pairs = digits.slice(at, at + 32).match(/../g) || [];
    const letters = pairs.map((pair) => {
      const code = parseInt(pair, 16);
      return code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : '.';
    }).join('');
    const spaced = pairs.map((pair, i) => pair + (i === 7 ? '  ' : ' ')).join('');
    lines.push((at / 2).toString(16).padStart(6, '0') + '  ' + spaced.padEnd(50) + ' ' + letters);
  }
  return lines.join('\n');
}

function text_block(one) {
  const shown = one.hex !== undefined ? hex_dump(one.hex) : one.text;
  return [one.damage ? h('p', {}, pill('not readable', 'fault'), ' ', one.damage)
    : h('pre', { class: one.hex !== undefined ? 'text hex' : 'text', tabindex: '0', role: 'region', 'aria-label': one.name }, shown || '(empty)'),
  one.left_out && h('p', { class: 'soft' }, bytes(one.left_out) + ' more are not in this report.')];
}

function folded(artefacts, open) {
  return artefacts.map((one) => h('details', { open: open && artefacts.length === 1 }, h('summary', {}, one.name || one.role, ' ',
    h('span', { class: 'soft' }, (one.role === 'err' ? 'standard error, ' : one.role === 'out' ? 'standard output, ' : '') + bytes(one.bytes))), text_block(one)));
}

function smallest(details) {
  const of = (role) => details.artefacts.filter((one) => one.role === role);
  const plan = of('plan').flatMap((one) => (one.text || '').split('\n').map((line) => line.trim()).filter((line) => line && !line.startsWith('#')));
  const parts = [];
  if (of('plan').length || details.timeline) parts.push(card('Smallest plan found', plan.length === 0
    ? h('p', {}, 'No deviation is needed: the calm run shows it.')
    : [h('p', { class: 'soft' }, plural(plan.length, 'deviation') + ' from the calm run:'), h('ol', { class: 'plan' }, plan.map((line) => h('li', {}, line)))]));
  const input = of('input'), operations = of('operations');
  if (input.length || operations.length) parts.push(h('div', { class: input.length && operations.length ? 'two input' : '' },
    operations.length > 0 && card('Smallest input found, as operations', operations.map(text_block)),
    input.length > 0 && card('Smallest input found, ' + bytes(input[0].bytes), input.map(text_block))));
  return parts;
}

function frame(one) {
  const place = one.file ? one.file + (one.line ? ':' + one.line + (one.column ? ':' + one.column : '') : '')
    : one.module ? one.module + (one.offset ? '+0x' + one.offset.toString(16) : '') : '';
  const lines = one.source ? one.source.replace(/\n$/, '').split('\n') : [];
  return h('li', { class: one.ours ? 'ours' : 'theirs' }, h('code', {}, one.function || '??'), ' ', h('span', { class: 'soft' }, place),
    lines.length > 0 && h('pre', { class: 'source', tabindex: '0', role: 'region', 'aria-label': 'Source of ' + one.function }, lines.map((line, i) => {
      const number = one.source_line + i;
      return h('span', { class: number === one.line ? 'hit' : undefined }, h('i', {}, number), line || ' ');
    })));
}

// Frames of libc, runtimes and harnesses are folded where several follow one another.
function frames(list) {
  const items = [];
  for (let at = 0; at < list.length;) {
    let end = at;
    while (end < list.length && !list[end].ours) ++end;
    if (end - at < 2 || end - at === list.length) end = Math.max(end, at + 1);
    const part = list.slice(at, end).map(frame);
    items.push(part.length < 2 || part.length === list.length ? part
      : h('li', { class: 'theirs' }, h('details', {}, h('summary', {}, plural(part.length, 'frame') + ' outside the program'), h('ol', { class: 'frames' }, part))));
    at = end;
  }
  return h('ol', { class: 'frames' }, items);
}

function stacks(list) {
  return list.length > 0 && card('Stacks', list.map((stack, i) => h('details', { open: i === 0 },
    h('summary', {}, h('b', {}, stack.title || 'Stack'), ' ', h('span', { class: 'soft' }, plural(stack.frames.length, 'frame'))),
    frames(stack.frames))));
}

function facts(one) {
  const rows = [['Kind', [h('span', { class: 'mono' }, one.kind), ' – ', one.what]],
    ['Class', ['CWE-' + one.cwe, one.exploitable === 'NOT_EXPLOITABLE' ? '' : ', ' + one.exploitable.toLowerCase().replace('_', ' '), ', severity ' + one.severity.toFixed(1)]],
    ['Target', one.target], ['Peers', one.peers.join(', ')], ['Found by', [one.tool, one.sanitizer].filter(Boolean).join(', ')],
    ['Realism', { linux: 'linux: this kernel does it to such a program', posix: 'posix: a conforming system may do it',
      hostile: 'hostile: the man page lists it' }[one.realism]],
    ['Repeats', one.tried ? one.repeated + ' of ' + one.tried + ' times' : ''], ['Seen', plural(one.times, 'time') + ', first in ' + run_name(one.first_run) +
      (one.last_run !== one.first_run ? ', last in ' + run_name(one.last_run) : '')],
    ['Signature', h('span', { class: 'mono' }, one.signature)], ['Id', h('span', { class: 'mono' }, one.id)]];
  return h('dl', { class: 'facts' }, rows.filter(([, value]) => value && value.length !== 0).map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));
}

function history(one, details) {
  const seen = details.occurrences.map((seen_once) => [date(seen_once.at_ms) || run_name(seen_once.run), seen_once.tool, seen_once.sanitizer,
    seen_once.size, seen_once.tried ? seen_once.repeated + '/' + seen_once.tried : '', seen_once.source]);
  const story = [['First seen', run_name(one.first_run)], one.last_run !== one.first_run && ['Last seen', run_name(one.last_run)],
    one.mark !== 'open' && ['Marked', one.mark + (one.why ? ': ' + one.why : '')], ['Now', one.heading]].filter(Boolean);
  return [card('History', h('dl', { class: 'facts' }, story.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]))),
    h('section', { class: 'card' }, table('Occurrences', [['When'], ['Tool'], ['Sanitizer'], ['Size', 'number'], ['Repeated'], ['From']], seen, 'occurrences'),
      one.times > seen.length && h('p', { class: 'soft' }, 'The smallest and the newest, of ' + plural(one.times, 'time') + '.'))];
}

function no_timeline(details) {
  const trace = details.artefacts.find((one) => one.role === 'trace');
  return trace && card('What happens', h('p', {}, 'The run cannot be shown: ' + (trace.damage || 'its trace is damaged.')));
}

function finding(id) {
  const at = overview.findings.findIndex((one) => one.id === id);
  const one = overview.findings[at];
  const data = [...document.querySelectorAll('script[data-finding]')].find((element) => element.dataset.finding === id);
  if (!one || !data) return ['No such finding', h('h1', { tabindex: '-1' }, 'No such finding'), h('p', {}, h('a', { href: '#/' }, 'All findings'))];
  const details = JSON.parse(data.textContent);
  const of = (...roles) => details.artefacts.filter((artefact) => roles.includes(artefact.role) && (artefact.bytes > 0 || artefact.damage));
  const step = (to, text) => overview.findings[to] ? h('a', { href: href(overview.findings[to]) }, text) : h('span');
  const outputs = of('out', 'err'), logs = of('log', 'story', 'scenario');
  return [one.cause || one.kind, h('p', { class: 'crumb' }, h('a', { href: '#/' }, 'All findings')),
    h('div', { class: 'pills' }, ...pills(one), h('span', { class: 'mono' }, one.kind),
      one.mark !== 'open' && one.why && h('span', { class: 'soft' }, one.why)),
    h('h1', { tabindex: '-1' }, one.cause || one.signature),
    h('div', { class: 'two' }, card('What it is', facts(one)),
      h('div', {}, (one.replay || one.gdb) && card('See it again', command(one.replay, 'Replay'), command(one.gdb, 'In gdb')), details.timeline && smallest(details))),
    !details.timeline && smallest(details),
    details.timeline ? card('What happens', new Timeline(details.timeline).element) : no_timeline(details),
    stacks(details.stacks),
    outputs.length > 0 && card('What the peers wrote', folded(outputs, true)),
    logs.length > 0 && card('Log and files', folded(logs, true)),
    history(one, details),
    h('nav', { class: 'steps-nav', 'aria-label': 'Other findings' }, step(at - 1, '← previous finding'), step(at + 1, 'next finding →'))];
}

// ---- Which page

function show(is_first) {
  const [, page, id] = location.hash.split('/');
  const [title, ...content] = page === 'finding' ? finding(decode(id || '')) : page === 'runs' ? runs() : summary();
  document.title = visible(title) + ' – Pipewrench';
  main.replaceChildren(...content.flat(3).filter(Boolean));
  for (const [name, on] of [['to-summary', page !== 'runs'], ['to-runs', page === 'runs']]) {
    if (on) document.getElementById(name).setAttribute('aria-current', page === 'finding' ? 'true' : 'page');
    else document.getElementById(name).removeAttribute('aria-current');
  }
  if (is_first === true) return;
  scrollTo(0, 0);
  const heading = main.querySelector('h1');
  if (heading) heading.focus({ preventScroll: true });
}

function decode(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

const THEMES = ['auto', 'light', 'dark'];
const dark = matchMedia('(prefers-color-scheme: dark)');
let theme = 'auto';
try { theme = localStorage.getItem('pipewrench-theme') || 'auto'; } catch { /* from disk there may be no storage */ }

function paint() {
  const button = document.getElementById('theme');
  const name = { auto: 'Auto', light: 'Light', dark: 'Dark' }[theme] || 'Auto';
  document.documentElement.dataset.theme = theme === 'auto' ? (dark.matches ? 'dark' : 'light') : theme;
  button.textContent = name;
  button.setAttribute('aria-label', 'Colours: ' + (theme === 'auto' ? 'as the system' : name.toLowerCase()));
}

document.getElementById('theme').addEventListener('click', () => {
  theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  try { localStorage.setItem('pipewrench-theme', theme); } catch { /* as above */ }
  paint();
  if (main.querySelector('.chart')) show(true);
});
dark.addEventListener('change', () => { paint(); if (main.querySelector('.chart')) show(true); });
document.getElementById('skip').addEventListener('click', (event) => { event.preventDefault(); main.focus(); });
window.addEventListener('hashchange', show);
paint();
show(true);
