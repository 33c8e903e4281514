/**
 * The script of all pages. Each page is complete without it; it adds the countdowns, copy, download, print and the
 * protection against sending a form twice. It holds no text: words come from attributes or from the browser's `Intl`.
 */
export const pageScript = `'use strict';
(() => {
  // What fails here fails alone: the browser reports it, and the rest of the page works.
  const safely = (run) => {
    try {
      return run();
    } catch (error) {
      setTimeout(() => { throw error; });
      return false;
    }
  };
  const each = (selector, run) => document.querySelectorAll(selector).forEach((element) => safely(() => run(element)));
  const PERIOD = 30;

  // The server's clock: its time in the page, plus what has passed here since the answer began. A wrong clock on this
  // device does no harm, as only differences of it count.
  const navigation = performance.getEntriesByType('navigation')[0];
  const answered = Date.now() - performance.now() + (navigation ? navigation.responseStart : 0);
  const secondsSinceAnswer = () => (Date.now() - answered) / 1000;

  const everySecond = (tick) => {
    if (safely(tick) === false) return;
    const timer = setInterval(() => { if (safely(tick) === false) clearInterval(timer); }, 250);
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

  // A page that the host draws may name a language that is none, and an old browser may know no units.
  const unit = (amount, name) => {
    for (const lang of [document.documentElement.lang, 'en']) {
      try {
        return new Intl.NumberFormat(lang, { style: 'unit', unit: name, unitDisplay: 'long' }).format(amount);
      } catch {
        continue;
      }
    }
    return amount + ' ' + name;
  };
  const inWords = (seconds) => {
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
      if (seconds > 0) {
        setText(wait, inWords(seconds));
        return true;
      }
      controls.forEach((control) => { control.disabled = false; });
      each('[data-wait-box]', (box) => { box.hidden = true; });
      each('[data-wait-over]', (status) => { status.textContent = status.dataset.waitOver; });
      if (controls[0] && document.activeElement === document.body) controls[0].focus();
      return false;
    });
  });

  // A code reaches the server as plain digits, however it was pasted or typed. Letters stay, so that the person sees them.
  const ZEROS = [0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0xf20, 0x1040, 0x17e0, 0x1810];
  const plainDigit = (digit) => {
    const zero = ZEROS.find((start) => digit.charCodeAt(0) - start >= 0 && digit.charCodeAt(0) - start < 10);
    return zero === undefined ? digit : String(digit.charCodeAt(0) - zero);
  };
  // NFKC makes full-width digits and letters plain ones.
  const plain = (text) => text.normalize('NFKC').replace(/\\p{Nd}/gu, plainDigit);
  const plainCode = (text) => plain(text).replace(/[^\\p{L}\\p{N}]/gu, '');
  const plainRecoveryCode = (text) => plain(text).replace(/\\p{Cf}/gu, '').replace(/\\p{Pd}/gu, '-').replace(/\\p{Z}/gu, ' ');
  const keepPlain = (input, toPlain) => {
    const run = () => {
      const value = toPlain(input.value);
      if (value === input.value) return;
      const caret = toPlain(input.value.slice(0, input.selectionStart)).length;
      input.value = value;
      // Safari would move the focus to the field.
      if (document.activeElement === input) input.setSelectionRange(caret, caret);
    };
    input.addEventListener('input', (event) => { if (!event.isComposing) run(); });
    // The last input event of an input method comes before its end.
    input.addEventListener('compositionend', run);
    input.addEventListener('change', run);
  };
  each('input.recovery-code', (input) => keepPlain(input, plainRecoveryCode));
  each('input.code', (input) => {
    keepPlain(input, plainCode);
    const problem = document.querySelector('[data-format]');
    if (!problem) return;
    const isCode = () => /^[0-9]{6}$/.test(input.value);
    const refuse = (event) => {
      event.preventDefault();
      setText(problem, problem.dataset.format);
      input.setAttribute('aria-invalid', 'true');
      input.focus();
    };
    // Some browsers refuse an empty field without a word.
    input.addEventListener('invalid', refuse);
    input.form?.addEventListener('submit', (event) => { if (!isCode()) refuse(event); });
    input.addEventListener('input', () => {
      if (!isCode()) return;
      setText(problem, '');
      input.removeAttribute('aria-invalid');
    });
  });

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
      const problem = document.querySelector('[data-not-copied]');
      button.addEventListener('click', async () => {
        try {
          await navigator.clipboard.writeText(copyText(button.dataset.copy));
        } catch {
          // The person or a policy refused it.
          getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
          if (problem) setText(problem, problem.dataset.notCopied);
          return;
        }
        if (problem) setText(problem, '');
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

  // Nothing is sent twice while the answer is on its way. Where the page stays, the form opens again: the answer was a download or
  // empty, the person stopped it or types on, or the page came back from the history. No event tells of a download, hence the
  // timer; a code that is sent twice counts once.
  const release = () => each('form[data-sent]', (form) => {
    delete form.dataset.sent;
    form.querySelectorAll('button').forEach((button) => button.removeAttribute('aria-disabled'));
  });
  let releaseLater;
  document.addEventListener('submit', (event) => {
    if (event.defaultPrevented) return;
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = 'yes';
    form.querySelectorAll('button').forEach((button) => button.setAttribute('aria-disabled', 'true'));
    clearTimeout(releaseLater);
    releaseLater = setTimeout(release, 4000);
  });
  window.addEventListener('pageshow', release);
  document.addEventListener('input', release);
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape') release(); });
})();
`;
