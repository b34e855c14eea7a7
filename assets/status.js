// Keeps the status page fresh in place: asks for it every few seconds and changes only what differs, so that scroll, focus,
// selection and open details stay as they are. Says when the worker no longer answers. Without it the page reloads itself.

const root = document.documentElement;
const everyMs = Number(root.dataset.refresh) * 1000;
const limitMs = 10_000;
let answeredAt = new Date();
let answeredAtMs = performance.now();

/** Makes `old` what `fresh` is, node by node. */
function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(document.importNode(fresh, true));
    return;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) return;
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) {
    // Who opened it wants it open.
    const opened = name === 'open' && old.nodeName === 'DETAILS';
    if (!opened && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  const olds = [...old.childNodes];
  const freshs = [...fresh.childNodes];
  for (const [index, child] of freshs.entries()) {
    const found = olds[index];
    if (found === undefined) old.append(document.importNode(child, true));
    else morph(found, child);
  }
  for (const surplus of olds.slice(freshs.length)) surplus.remove();
}

/** Shown, and said once to who cannot see it. */
function showAway(away) {
  const notice = document.getElementById('away');
  if (notice.hidden === !away) return;
  if (away) {
    const since = document.createElement('time');
    since.dateTime = answeredAt.toISOString();
    since.textContent = `${since.dateTime.slice(11, 19)} UTC`;
    document.getElementById('away-since').replaceChildren(since);
    document.title = 'No answer · conversation-sync';
  }
  notice.hidden = !away;
  root.classList.toggle('away', away);
}

async function refresh() {
  try {
    const answer = await fetch(location.pathname, { cache: 'no-store', signal: AbortSignal.timeout(limitMs) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const page = fresh.getElementById('main');
    if (page === null) throw new Error('another page');
    if (fresh.documentElement.dataset.assets !== root.dataset.assets) location.reload();
    answeredAt = new Date();
    answeredAtMs = performance.now();
    const was = document.getElementById('state').textContent;
    morph(document.getElementById('main'), page);
    for (const part of ['header', 'footer']) morph(document.querySelector(part), fresh.querySelector(part));
    morph(document.querySelector('link[rel=icon]'), fresh.querySelector('link[rel=icon]'));
    document.title = fresh.title;
    const now = document.getElementById('state').textContent;
    // Numbers within it change all the time; that is not worth an interruption.
    if (now.replace(/\d+/g, '') !== was.replace(/\d+/g, '')) document.getElementById('said').textContent = now;
    showAway(false);
  } catch {
    showAway(true);
  }
}

/** Ages go on between two answers, and without one. */
function grow() {
  const passed = (performance.now() - answeredAtMs) / 1000;
  for (const time of document.querySelectorAll('time[data-age]')) {
    const seconds = Math.round(Number(time.dataset.age) + passed);
    if (seconds < 100) time.textContent = `${seconds} s`;
    else if (seconds < 6000) time.textContent = `${Math.round(seconds / 60)} min`;
  }
}

let waiting;
async function keepFresh() {
  clearTimeout(waiting);
  // Nobody looks: it is asked again as soon as somebody does.
  if (!document.hidden) await refresh();
  clearTimeout(waiting);
  waiting = setTimeout(keepFresh, everyMs);
}

setInterval(grow, 1000);
waiting = setTimeout(keepFresh, everyMs);
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) keepFresh();
});
