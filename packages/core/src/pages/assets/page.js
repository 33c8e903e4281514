// @ts-check
'use strict';

// The script of all pages. Every page is complete without it; it adds the countdowns, copy, download, print and the protection
// against sending a form twice. It contains no text: words come from attributes or from the browser's `Intl`.
(() => {
  // A feature that fails does not stop the others; the browser reports the error.
  /** @param {() => unknown} run */
  const safely = (run) => {
    try {
      return run();
    } catch (error) {
      setTimeout(() => {
        throw error;
      });
      return false;
    }
  };
  /**
   * @template {HTMLElement} [Found=HTMLElement]
   * @param {string} selector
   * @param {(element: Found) => void} run
   */
  const each = (selector, run) => {
    for (const element of document.querySelectorAll(selector)) safely(() => run(/** @type {Found} */ (element)));
  };
  /** @type {(element: Element, text?: string) => void} */
  const setText = (element, text = '') => {
    if (element.textContent !== text) element.textContent = text;
  };

  // Countdowns

  const PERIOD = 30;

  // The server's clock: its time in the page, plus the time since the answer began. Only differences of this device's clock are used,
  // so it does not matter if that clock is wrong.
  const navigation = /** @type {PerformanceNavigationTiming | undefined} */ (performance.getEntriesByType('navigation')[0]);
  const answered = Date.now() - performance.now() + (navigation ? navigation.responseStart : 0);
  const secondsSinceAnswer = () => (Date.now() - answered) / 1000;

  // Runs until `tick` returns false.
  /** @param {() => unknown} tick */
  const everySecond = (tick) => {
    if (safely(tick) === false) return;
    const timer = setInterval(() => {
      if (safely(tick) === false) clearInterval(timer);
    }, 250);
  };

  each('[data-period]', (period) => {
    const start = Number(period.dataset.period) / 1000;
    const ticks = /** @type {HTMLElement} */ (period.querySelector('.period-ticks'));
    const left = /** @type {HTMLElement} */ (period.querySelector('[data-period-left]'));
    everySecond(() => {
      const seconds = PERIOD - (Math.floor(start + secondsSinceAnswer()) % PERIOD);
      setText(left, String(seconds));
      ticks.style.setProperty('--left', String(seconds / PERIOD));
      period.classList.toggle('low', seconds <= 5);
    });
    period.hidden = false;
  });

  // A page that the host draws may name an unknown language, and an old browser may not know units.
  /** @type {(amount: number, name: string) => string} */
  const unit = (amount, name) => {
    for (const lang of [document.documentElement.lang, 'en']) {
      try {
        return new Intl.NumberFormat(lang, { style: 'unit', unit: name, unitDisplay: 'long' }).format(amount);
      } catch {
        // The next language, or plain words.
      }
    }
    return `${amount} ${name}`;
  };
  /** @param {number} seconds */
  const inWords = (seconds) => {
    /** @type {[amount: number, name: string][]} */
    const parts = [
      [Math.floor(seconds / 3600), 'hour'],
      [Math.floor((seconds % 3600) / 60), 'minute'],
      [seconds % 60, 'second'],
    ];
    return parts
      .filter(([amount]) => amount > 0)
      .slice(0, 2)
      .map(([amount, name]) => unit(amount, name))
      .join(' ');
  };

  each('[data-wait]', (wait) => {
    const total = Number(wait.dataset.wait);
    const form = document.querySelector('main form');
    /** @type {NodeListOf<HTMLInputElement | HTMLButtonElement> | undefined} */
    const found = form?.querySelectorAll('input:not([type=hidden]), button');
    const controls = found ? [...found] : [];
    for (const control of controls) control.disabled = true;
    everySecond(() => {
      const seconds = Math.ceil(total - secondsSinceAnswer());
      if (seconds > 0) {
        setText(wait, inWords(seconds));
        return true;
      }
      for (const control of controls) control.disabled = false;
      each('[data-wait-box]', (box) => {
        box.hidden = true;
      });
      each('[data-wait-over]', (status) => setText(status, status.dataset.waitOver));
      if (controls[0] && document.activeElement === document.body) controls[0].focus();
      return false;
    });
  });

  // Codes

  // A code reaches the server as plain digits, however it was pasted or typed. Letters stay, so that the person sees them.
  const ZEROS = [
    0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0xf20, 0x1040, 0x17e0, 0x1810,
  ];
  /** @param {string} digit */
  const plainDigit = (digit) => {
    const zero = ZEROS.find((start) => digit.charCodeAt(0) - start >= 0 && digit.charCodeAt(0) - start < 10);
    return zero === undefined ? digit : String(digit.charCodeAt(0) - zero);
  };
  /** @typedef {(text: string) => string} ToPlain */
  // NFKC makes full-width digits and letters plain ones.
  /** @type {ToPlain} */
  const plain = (text) => text.normalize('NFKC').replace(/\p{Nd}/gu, plainDigit);
  /** @type {ToPlain} */
  const plainCode = (text) => plain(text).replace(/[^\p{L}\p{N}]/gu, '');
  /** @type {ToPlain} */
  const plainRecoveryCode = (text) =>
    plain(text)
      .replace(/\p{Cf}/gu, '')
      .replace(/\p{Pd}/gu, '-')
      .replace(/\p{Z}/gu, ' ');
  /** @type {(input: HTMLInputElement, toPlain: ToPlain) => void} */
  const keepPlain = (input, toPlain) => {
    const run = () => {
      const value = toPlain(input.value);
      if (value === input.value) return;
      const caret = toPlain(input.value.slice(0, input.selectionStart ?? 0)).length;
      input.value = value;
      // Safari would move the focus to the field.
      if (document.activeElement === input) input.setSelectionRange(caret, caret);
    };
    input.addEventListener('input', (event) => {
      if (!(/** @type {InputEvent} */ (event).isComposing)) run();
    });
    // An input method fires its last input event before it ends.
    input.addEventListener('compositionend', run);
    input.addEventListener('change', run);
  };
  each('input.recovery-code', (/** @type {HTMLInputElement} */ input) => keepPlain(input, plainRecoveryCode));
  each('input.code', (/** @type {HTMLInputElement} */ input) => {
    keepPlain(input, plainCode);
    const problem = /** @type {HTMLElement | null} */ (document.querySelector('[data-format]'));
    if (!problem) return;
    const isCode = () => /^[0-9]{6}$/.test(input.value);
    /** @param {Event} event */
    const refuse = (event) => {
      event.preventDefault();
      setText(problem, problem.dataset.format);
      input.setAttribute('aria-invalid', 'true');
      input.focus();
    };
    // Some browsers refuse an empty field without saying so.
    input.addEventListener('invalid', refuse);
    input.form?.addEventListener('submit', (event) => {
      if (!isCode()) refuse(event);
    });
    input.addEventListener('input', () => {
      if (!isCode()) return;
      setText(problem, '');
      input.removeAttribute('aria-invalid');
    });
  });

  // Copy, download, print

  /** @param {HTMLElement} source */
  const copyText = (source) => {
    const items = [...source.querySelectorAll('li')];
    return items.length ? `${items.map((item) => item.textContent.trim()).join('\n')}\n` : source.textContent.replace(/\s+/g, '');
  };
  if (navigator.clipboard) {
    each('[data-copy]', (button) => {
      const name = button.textContent;
      /** @type {number | undefined} */
      let timer;
      button.setAttribute('aria-live', 'polite');
      const problem = /** @type {HTMLElement | null} */ (document.querySelector('[data-not-copied]'));
      const copy = async () => {
        const source = /** @type {HTMLElement} */ (document.getElementById(button.dataset.copy ?? ''));
        try {
          await navigator.clipboard.writeText(copyText(source));
        } catch {
          // The person or a policy refused it.
          getSelection()?.selectAllChildren(source);
          if (problem) setText(problem, problem.dataset.notCopied);
          return;
        }
        if (problem) setText(problem, '');
        button.textContent = button.dataset.done ?? '';
        clearTimeout(timer);
        timer = setTimeout(() => {
          button.textContent = name;
        }, 2500);
      };
      button.addEventListener('click', () => void copy());
      button.hidden = false;
    });
  } else {
    // Browsers offer no clipboard to pages that did not come over https.
    each('[data-copy]', (button) => button.remove());
  }
  each('[data-download]', (button) => {
    button.addEventListener('click', () => {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([button.dataset.text ?? ''], { type: 'text/plain;charset=utf-8' }));
      link.download = button.dataset.download ?? '';
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });
  });
  each('[data-print]', (button) => button.addEventListener('click', () => window.print()));
  each('[data-tools]', (tools) => {
    tools.hidden = false;
  });

  // Sending a form once

  // A form is not sent again while its answer is on the way. If the page stays, the form opens again: the answer was a download or
  // empty, the person stopped it or types on, or the page came back from the history. No event reports a download, hence the timer; a
  // code that is sent twice counts once.
  const release = () =>
    each('form[data-sent]', (form) => {
      delete form.dataset.sent;
      for (const button of form.querySelectorAll('button')) button.removeAttribute('aria-disabled');
    });
  /** @type {number | undefined} */
  let releaseLater;
  document.addEventListener('submit', (event) => {
    if (event.defaultPrevented) return;
    const form = /** @type {HTMLFormElement} */ (event.target);
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = 'yes';
    for (const button of form.querySelectorAll('button')) button.setAttribute('aria-disabled', 'true');
    clearTimeout(releaseLater);
    releaseLater = setTimeout(release, 4000);
  });
  window.addEventListener('pageshow', release);
  document.addEventListener('input', release);
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') release();
  });
})();
