// The page in a real browser, opened from disk: node browser_test.mjs FOLDER. Clicks through, steps
// the timeline, and looks for whatever hostile text could have started. Exit status 125: no
// chromium, or no playwright-core in NODE_PATH. Never uses the network.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = process.argv[2];
const chromium_path = process.env.CHROMIUM || ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
let chromium;
try { ({ chromium } = createRequire(import.meta.url)('playwright-core')); } catch { /* said below */ }
if (!chromium || !chromium_path) {
  console.log('skipped: ' + (chromium ? 'chromium is not installed' : 'playwright-core is not in NODE_PATH'));
  process.exit(125);
}

const PATIENCE_MS = 120_000;  // of a machine that is busy with something else
const browser = await chromium.launch({ executablePath: chromium_path, args: ['--no-sandbox', '--disable-gpu'], timeout: PATIENCE_MS });
const problems = [];

async function open(name, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.on('console', (message) => problems.push(name + ': console: ' + message.text()));
  page.on('pageerror', (error) => problems.push(name + ': error: ' + error.message));
  page.on('dialog', (dialog) => { problems.push(name + ': dialog'); dialog.dismiss(); });
  page.on('request', (request) => {
    if (!request.url().startsWith('file:') && !request.url().startsWith('data:')) problems.push(name + ': request: ' + request.url());
  });
  await page.goto(pathToFileURL(path.resolve(folder, name)).href);
  return page;
}

const heading = (page) => page.locator('main h1').innerText();
const step = (page) => page.locator('.lanes [aria-selected="true"]').getAttribute('id');

async function click_through(name) {
  const page = await open(name);
  assert.match(await heading(page), /1 new finding/);
  assert.equal(await page.locator('.findings tbody tr').count(), 3);
  assert.equal(await page.locator('.uplot').count(), 2, 'charts');
  await page.click('#tile-known');
  assert.equal(await page.locator('.findings tbody tr').count(), 1);
  await page.click('#tile-known');
  await page.fill('input[type=search]', 'nothing has this');
  assert.equal(await page.locator('.findings tbody tr').count(), 0);
  await page.fill('input[type=search]', '');
  await page.click('.findings a >> nth=0');
  assert.match(await heading(page), /SIGUSR1 reaches waiter/);
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'H1', 'the new page has the focus');
  await page.click('text=next finding');
  assert.match(await heading(page), /decode\(\) writes/);
  assert.match(await page.locator('pre.hex').innerText(), /66 72 61 6d 65/);
  assert.match(await page.locator('.frames .hit').innerText(), /buffer\[16\]/);
  await page.click('text=All findings');
  await page.click('#to-runs');
  assert.equal(await heading(page), 'Runs');
  await page.goBack();
  assert.match(await heading(page), /1 new finding/);
  await page.context().close();
}

async function step_with_keys(name) {
  const page = await open(name);
  await page.goto(page.url() + '#/finding/0123456789ab');
  await page.locator('.lanes').focus();
  await page.keyboard.press('Home');
  assert.equal(await step(page), 'step-0');
  await page.keyboard.press('ArrowDown');
  assert.equal(await step(page), 'step-1');
  assert.match(await page.locator('.panel').innerText(), /fifo \.\/room/);
  await page.keyboard.press('ArrowRight');
  assert.equal(await step(page), 'step-3', 'along the arrow');
  await page.keyboard.press('ArrowLeft');
  assert.equal(await step(page), 'step-1');
  await page.keyboard.press('End');
  assert.equal(await step(page), 'step-10');
  assert.match(await page.locator('.panel').innerText(), /Only waker could end this wait/);
  assert.ok(await page.locator('.lanes path.arrow').count() >= 1, 'arrows');
  assert.ok(await page.locator('.lanes .fault').count() >= 1, 'the fault is red');
  assert.equal(await page.locator('.lanes .for-ever').count(), 1);
  if (await page.locator('#relevant').count() === 1) {
    const before = await page.locator('.lanes .row').count();
    await page.click('#relevant');
    assert.ok(await page.locator('.lanes .row').count() > before, 'all steps');
  }
  assert.equal(await page.locator('.lanes path.arrow').count(), 3, 'bytes, a message and a signal');
  await page.context().close();
}

async function hostile_is_inert() {
  const page = await open('hostile.html');
  for (const id of ['', 'finding/0123456789ab', 'finding/ba9876543210', 'finding/cccccccccccc', 'runs', 'finding/<img src=x onerror=alert(1)>']) {
    await page.evaluate((hash) => { location.hash = '#/' + hash; }, id);
    await page.waitForFunction(() => document.querySelector('main h1'));
    for (const details of await page.locator('main details').all()) await details.evaluate((one) => { one.open = true; });
    assert.equal(await page.locator('main script, main img, main a[href^="javascript"], main [onerror]').count(), 0);
    assert.doesNotMatch(await page.locator('main').innerText(), /[\u0000-\u0008\u000e-\u001f\u202e]/);
  }
  await page.evaluate(() => { location.hash = '#/finding/0123456789ab'; });
  await page.waitForSelector('.lanes');
  assert.match(await page.locator('main').innerText(), /<script>alert\(1\)<\/script>/, 'it is shown as text');
  await page.context().close();
}

async function nights() {
  const page = await open('nights.html');
  assert.match(await heading(page), /^1 new finding$/, 'neither what is unstable nor a note');
  for (const [tile, count] of [['new', '1'], ['unstable', '1'], ['note', '1']])
    assert.equal(await page.locator('#tile-' + tile + ' b').innerText(), count, tile);
  await page.click('#tile-unstable');
  assert.equal(await page.locator('.findings tbody .pill').allInnerTexts().then((all) => all.join()), 'unstable');
  assert.equal(await page.locator('.uplot').count(), 4, 'of the newest night, and night by night');
  assert.match(await page.locator('figure').nth(1).innerText(), /Edges[^]*fuzz_queue/);
  assert.match(await page.locator('figure').nth(3).innerText(), /run by run/);
  await page.context().close();
}

async function many_findings() {
  const page = await open('many.html');
  assert.equal(await page.locator('.findings tbody tr').count(), 100);
  await page.click('text=Show more');
  assert.equal(await page.locator('.findings tbody tr').count(), 600);
  await page.context().close();
}

async function reachable() {
  const page = await open('calm.html', { viewport: { width: 390, height: 800 } });
  for (const hash of ['#/', '#/runs', '#/finding/0123456789ab', '#/finding/ba9876543210']) {
    await page.evaluate((to) => { location.hash = to; }, hash);
    await page.waitForSelector('main h1');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, hash + ': ' + wide + ' pixels too wide');
    const nameless = await page.evaluate(() => [...document.querySelectorAll('button, a, input, select, [role=region], [tabindex="0"]')]
      .filter((one) => !(one.getAttribute('aria-label') || one.innerText || one.closest('label'))).map((one) => one.outerHTML));
    assert.deepEqual(nameless, []);
  }
  await page.keyboard.press('Tab');
  await page.click('#theme');
  await page.click('#theme');
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  await page.context().close();
}

try {
  await click_through('calm.html');
  await step_with_keys('calm.html');
  await click_through('hostile.html');
  await step_with_keys('hostile.html');
  await hostile_is_inert();
  await nights();
  await many_findings();
  await reachable();
  const page = await open('empty.html');
  assert.equal(await heading(page), 'No findings');
  assert.deepEqual(problems, []);
  console.log('the page works');
} finally {
  await browser.close();
}
