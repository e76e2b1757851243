
'use strict';
// Asks for what is served whenever something happens, and every few seconds; writes it as text into the page.
(() => {
  const KEPT_EVENTS = 200;
  const MOST_OFTEN = 500;
  const AT_LEAST = 5000;
  const byId = (id) => document.getElementById(id);

  const element = (tag, text, attributes = {}) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const state = (text, kind) => {
    const cell = element('td');
    cell.append(element('span', text, { class: `state ${kind}` }));
    return cell;
  };
  const number = (value) => element('td', value, { class: 'number' });
  const row = (heading, ...cells) => {
    const made = element('tr');
    made.append(element('th', heading, { scope: 'row' }), ...cells);
    return made;
  };
  const fill = (id, rows) => byId(id).querySelector('tbody').replaceChildren(...rows);

  const table = (caption, columns, rows) => {
    const frame = element('div', undefined, { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': caption });
    const made = element('table');
    const head = element('tr');
    head.append(...columns.map((column) => element('th', column, { scope: 'col' })));
    const thead = element('thead');
    thead.append(head);
    const body = element('tbody');
    body.append(...rows);
    made.append(element('caption', caption), thead, body);
    frame.append(made);
    return frame;
  };

  const count = (value, what) => {
    const made = element('li');
    made.append(element('b', value), what);
    return made;
  };

  const clientOf = (client) => client ? `user ${client.uid}, process ${client.pid < 0 ? 'unknown' : client.pid}` : '–';

  // Of a list each, but what a tenant's process has told that makes no sense: nothing of it hides the others.
  const each = (list, show) => list.flatMap((one, at) => {
    try {
      return [show(one, at)];
    } catch {
      return [];
    }
  });

  const showTenants = (tenants) => byId('tenants').replaceChildren(
    element('h2', 'Tenants'),
    table('A process for each tenant', ['Tenant', 'State', 'Process', 'Starts', 'Functions'], tenants.map((t) => row(
      t.tenant,
      state(t.state, { serving: 'good', failed: 'bad' }[t.state] ?? 'none'),
      number(t.pid ?? '–'),
      number(t.starts),
      element('td', t.functions.join(', ')),
    ))),
  );

  const showFunctions = (functions) => fill('functions', each(functions, ({ function: f, client, counted }) => row(
    f.name,
    number(f.address),
    number(f.id),
    f.vpasid === null ? state('none', 'none') : number(f.vpasid),
    f.enabled ? state('enabled', 'good') : state('off', 'none'),
    number(f.attached),
    element('td', clientOf(client)),
    number(counted.refused),
    number(counted.resets),
  )));

  const showAttachments = ({ attachments, more }) => {
    const rows = each(attachments, (a) => row(
      a.pasid,
      element('td', a.function),
      element('td', a.name === undefined ? 'the guest’s own page table' : `${a.name} (${a.space})`),
    ));
    if (more) rows.push(row('…', element('td', 'and more'), element('td', 'ctl query-attachments has them all')));
    if (rows.length === 0) rows.push(row('–', element('td', 'none is attached'), element('td', '')));
    fill('attachments', rows);
  };

  // What a reader has opened stays open when the page is written anew.
  const details = (id, title, ...content) => {
    const before = byId(id);
    const made = element('details', undefined, { id });
    made.open = before !== null && before.open;
    made.append(element('summary', title), ...content);
    return made;
  };

  const showIommu = ({ iommu, report }, at) => {
    const made = element('section', undefined, { 'aria-label': `IOMMU ${iommu.iommu}` });
    made.append(element('h3', iommu.iommu));
    if (!report) {
      made.append(element('p', 'It is busy with what its guest has asked for.'));
      return made;
    }
    const facts = element('dl');
    const fact = (name, value) => facts.append(element('dt', name), element('dd', value));
    fact('covers', iommu.covers.join(', ') || 'no function');
    fact('mode', `${report.mode}: ${report.reason}`);
    fact('translation', report.translating ? `on, ${report.tables} tables` : 'off');
    made.append(facts);
    const entries = report.entries.map((e) => row(
      e.pasid === undefined ? '–' : e.pasid,
      element('td', `${e.function} (${e.place})`),
      element('td', e.entry),
      element('td', e.attached),
      element('td', e.tables.map((t) => `${t.table} ${t.address}`).join(' → '), { class: 'bytes' }),
    ));
    if (report.more) entries.push(row('…', element('td', 'and more'), element('td', 'ctl query-iommu has them all'), element('td', ''), element('td', '')));
    made.append(entries.length === 0
      ? element('p', 'Its guest’s tables have no entry that the host was told.')
      : table(`Entries of ${iommu.iommu}`, ['PASID', 'Function', 'Entry', 'Attached to', 'Tables'], entries));
    const pairs = (object) => Object.entries(object).map(([name, value]) => row(name, number(value)));
    made.append(
      details(`counters-${at}`, 'Counters', table(`Counters of ${iommu.iommu}`, ['Counter', 'Value'], pairs(report.counters))),
      details(`registers-${at}`, 'Registers', table(`Registers of ${iommu.iommu}`, ['Register', 'Value'], pairs(report.registers))),
    );
    return made;
  };

  const show = (now) => {
    const clients = now.functions.filter((f) => f.client).length;
    const attached = now.functions.reduce((sum, f) => sum + f.function.attached, 0);
    byId('counts').replaceChildren(
      ...(now.tenants ? [count(now.tenants.length, now.tenants.length === 1 ? 'tenant' : 'tenants')] : []),
      count(now.functions.length, now.functions.length === 1 ? 'function' : 'functions'),
      count(clients, clients === 1 ? 'client' : 'clients'),
      count(attached, 'PASIDs attached'),
      count(now.addressSpaces.length, 'address spaces'),
      count(now.iommus.length, now.iommus.length === 1 ? 'virtual IOMMU' : 'virtual IOMMUs'),
    );
    if (now.tenants) showTenants(now.tenants);
    showFunctions(now.functions);
    showAttachments(now.attachments);
    // Who stands on a heading that opens something stays there.
    const focused = document.activeElement.closest('#iommus details');
    byId('iommus').replaceChildren(...(now.iommus.length === 0 ? [element('p', 'There is none.')] : each(now.iommus, showIommu)));
    if (focused) byId(focused.id)?.querySelector('summary').focus({ preventScroll: true });
    byId('status').textContent = `live; vpasid ${now.version}, since ${new Date(now.started).toLocaleString()}`;
  };

  // One question at a time, at least one every few seconds, and one soon after something happened.
  let asking = false;
  let again = false;
  let timer;
  const ask = async () => {
    clearTimeout(timer);
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    again = false;
    try {
      const answer = await fetch('state');
      if (!answer.ok) throw new Error(`${answer.status}`);
      show(await answer.json());
    } catch {
      byId('status').textContent = 'The daemon does not answer; what is below is old.';
    } finally {
      asking = false;
      timer = setTimeout(ask, again ? MOST_OFTEN : AT_LEAST);
    }
  };
  let soon;
  const askSoon = () => { soon ??= setTimeout(() => { soon = undefined; ask(); }, MOST_OFTEN / 2); };

  const events = new EventSource('events');
  events.onopen = ask;
  events.onmessage = (message) => {
    const { event, data, time } = JSON.parse(message.data);
    const told = row(
      new Date(time).toLocaleTimeString(undefined, { hour12: false }),
      element('td', event),
      element('td', Object.entries(data).map(([name, value]) => `${name} ${value}`).join(', ')),
    );
    const body = byId('events').querySelector('tbody');
    body.prepend(told);
    while (body.rows.length > KEPT_EVENTS) body.lastElementChild.remove();
    askSoon();
  };
  ask();
})();
