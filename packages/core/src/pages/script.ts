/**
 * The script of all pages. Each page is complete without it; it adds the countdowns, copy, download, print and the
 * protection against sending a form twice. It holds no text: words come from attributes or from the browser's `Intl`.
 */
export const pageScript = `'use strict';
(() => {
  const each = (selector, run) => document.querySelectorAll(selector).forEach(run);
  const PERIOD = 30;

  // The server's clock: its time in the page, plus what has passed here since the answer began. A wrong clock on this
  // device does no harm, as only differences of it count.
  const navigation = performance.getEntriesByType('navigation')[0];
  const answered = Date.now() - performance.now() + (navigation ? navigation.responseStart : 0);
  const secondsSinceAnswer = () => (Date.now() - answered) / 1000;

  const everySecond = (tick) => {
    if (tick() === false) return;
    const timer = setInterval(() => { if (tick() === false) clearInterval(timer); }, 250);
  };
  const setText = (element, text) => { if (element.textContent !== text) element.textContent = text; };

  each('[data-period]', (period) => {
    const start = Number(period.dataset.period) / 1000;
    const ticks = period.querySelector('.period-ticks');
    const left = period.querySelector('[data-period-left]');
    everySecond(() => {
      const seconds = PERIOD - (Math.floor(start + secondsSinceAnswer()) % PERIOD);
      setText(left, String(seconds));
      ticks.style.setProperty('--left', String(seconds / PERIOD));
      period.classList.toggle('low', seconds <= 5);
    });
    period.hidden = false;
  });

  const inWords = (seconds) => {
    const lang = document.documentElement.lang || 'en';
    const unit = (amount, name) => new Intl.NumberFormat(lang, { style: 'unit', unit: name, unitDisplay: 'long' }).format(amount);
    const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
    const parts = [[hours, 'hour'], [minutes, 'minute'], [seconds % 60, 'second']];
    return parts.filter(([amount]) => amount > 0).slice(0, 2).map(([amount, name]) => unit(amount, name)).join(' ');
  };

  each('[data-wait]', (wait) => {
    const total = Number(wait.dataset.wait);
    const form = document.querySelector('main form');
    const controls = form ? [...form.querySelectorAll('input:not([type=hidden]), button')] : [];
    controls.forEach((control) => { control.disabled = true; });
    everySecond(() => {
      const seconds = Math.ceil(total - secondsSinceAnswer());
      if (seconds > 0) return setText(wait, inWords(seconds));
      controls.forEach((control) => { control.disabled = false; });
      each('[data-wait-box]', (box) => { box.hidden = true; });
      each('[data-wait-over]', (status) => { status.textContent = status.dataset.waitOver; });
      if (controls[0] && document.activeElement === document.body) controls[0].focus();
      return false;
    });
  });

  // The input has a place for each digit; a blank pasted or typed between them would take one.
  each('input.code', (input) => input.addEventListener('input', (event) => {
    if (event.isComposing || !/\\s/.test(input.value)) return;
    const caret = input.value.slice(0, input.selectionStart).replace(/\\s/g, '').length;
    input.value = input.value.replace(/\\s/g, '');
    input.setSelectionRange(caret, caret);
  }));

  const copyText = (id) => {
    const source = document.getElementById(id);
    const items = [...source.querySelectorAll('li')];
    return items.length ? items.map((item) => item.textContent.trim()).join('\\n') + '\\n' : source.textContent.replace(/\\s+/g, '');
  };
  if (navigator.clipboard) {
    each('[data-copy]', (button) => {
      const name = button.textContent;
      let timer;
      button.setAttribute('aria-live', 'polite');
      button.addEventListener('click', async () => {
        await navigator.clipboard.writeText(copyText(button.dataset.copy));
        button.textContent = button.dataset.done;
        clearTimeout(timer);
        timer = setTimeout(() => { button.textContent = name; }, 2500);
      });
      button.hidden = false;
    });
  } else {
    // Browsers hide the clipboard from pages that did not come over https.
    each('[data-copy]', (button) => button.remove());
  }
  each('[data-download]', (button) => button.addEventListener('click', () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([button.dataset.text], { type: 'text/plain;charset=utf-8' }));
    link.download = button.dataset.download;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }));
  each('[data-print]', (button) => button.addEventListener('click', () => window.print()));
  each('[data-tools]', (tools) => { tools.hidden = false; });

  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = 'yes';
    form.querySelectorAll('button').forEach((button) => button.setAttribute('aria-disabled', 'true'));
  });
  // Back from another page, the form may be sent again.
  window.addEventListener('pageshow', () => each('form[data-sent]', (form) => {
    delete form.dataset.sent;
    form.querySelectorAll('button').forEach((button) => button.removeAttribute('aria-disabled'));
  }));
})();
`;
