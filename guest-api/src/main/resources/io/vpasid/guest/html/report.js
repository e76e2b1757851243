
'use strict';
// Sorts and filters the overview, and opens what it leads to. Without it the page is whole, in the order of its sources.
(() => {
  const collator = new Intl.Collator('en', { numeric: true });

  // In a column of numbers and offsets such as 0x230, a number, or null for what has none; in others the text.
  const keyOf = (cell, isNumeric) => {
    const text = cell.textContent.trim();
    const value = Number(text);
    return !isNumeric ? text : Number.isNaN(value) || text === '' ? null : value;
  };

  const compare = (a, b) => typeof a === 'number' ? a - b : collator.compare(a, b);

  const sort = (heading) => {
    const table = heading.closest('table');
    const descending = heading.getAttribute('aria-sort') === 'ascending';
    const sign = descending ? -1 : 1;
    const rows = [...table.tBodies[0].rows];
    const cellOf = (row) => row.cells[heading.cellIndex];
    const isNumeric = rows.some((row) => /^(0x[0-9a-f]+|[0-9.]+)$/.test(cellOf(row).textContent.trim()));
    const keyed = rows.map((row) => [keyOf(cellOf(row), isNumeric), row]);
    // What has no number comes last in both directions.
    keyed.sort(([a], [b]) => a === null || b === null ? (a === null) - (b === null) : sign * compare(a, b));
    table.tBodies[0].append(...keyed.map(([, row]) => row));
    for (const other of table.tHead.rows[0].cells) {
      other.setAttribute('aria-sort', other !== heading ? 'none' : descending ? 'descending' : 'ascending');
    }
  };

  for (const button of document.querySelectorAll('table.sortable thead button')) {
    button.addEventListener('click', () => sort(button.parentElement));
  }

  const parts = [...document.querySelectorAll('details.part')];
  const tools = document.querySelector('.tools');
  if (tools) {
    const rows = [...document.querySelector('table.sortable').tBodies[0].rows].map((row) => ({
      row,
      part: row.dataset.part ? document.getElementById(row.dataset.part) : null,
      text: row.textContent.toLowerCase(),
      kinds: (row.dataset.kinds || '').split(' '),
    }));
    const words = tools.querySelector('input');
    const kind = tools.querySelector('select');
    const count = tools.querySelector('output');
    const filter = () => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const { row, part, text, kinds } of rows) {
        const hide = !wanted.every((word) => text.includes(word)) || (kind.value !== '' && !kinds.includes(kind.value));
        row.hidden = hide;
        if (part) part.hidden = hide;
        shown += hide ? 0 : 1;
      }
      count.value = shown === rows.length ? `${shown} rows` : `${shown} of ${rows.length} rows`;
    };
    words.addEventListener('input', filter);
    kind.addEventListener('change', filter);
    const [open, close] = tools.querySelectorAll('button');
    const all = (isOpen) => parts.forEach((part) => { part.open = isOpen && !part.hidden; });
    open.addEventListener('click', () => all(true));
    close.addEventListener('click', () => all(false));
    open.hidden = close.hidden = parts.length === 0;
    tools.hidden = false;
    filter();
  }

  const show = (hash) => {
    const target = document.getElementById(decodeURIComponent(hash.slice(1)));
    const part = target && target.closest('details.part');
    if (part) {
      part.hidden = false;
      part.open = true;
      target.scrollIntoView();
      part.querySelector('summary').focus({ preventScroll: true });
    }
  };
  addEventListener('hashchange', () => show(location.hash));
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    link.addEventListener('click', () => show(link.hash));
  }
  if (location.hash) show(location.hash);
  else if (parts.length === 1) parts[0].open = true;
})();
