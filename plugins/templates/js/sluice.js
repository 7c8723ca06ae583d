// What every policy needs: the numbers of the contract, settings read into types, a log, and errors
// that reach the gateway's log with their message. 64-bit numbers of the contract are BigInt.
import { write } from 'sluice:host/log@1.0.0';

export const layer = Object.freeze({ telegram: 0, network: 1, timeout: 2, gateway: 3 });
export const execution = Object.freeze({ refused: 0, neverSent: 1, maybeExecuted: 2 });
export const accountKind = Object.freeze({ user: 0, bot: 1 });
export const category = Object.freeze({
  rateLimit: 0, auth: 1, permission: 2, notFound: 3, invalidRequest: 4, conflict: 5,
  migration: 6, network: 7, timeout: 8, server: 9, policy: 10, internal: 11,
});
export const waitScope = Object.freeze({ call: 0, chat: 1, method: 2, account: 3, datacenter: 4 });
export const severity = Object.freeze({ info: 0, warning: 1, error: 2, critical: 3 });
export const sampleKind = Object.freeze({ counter: 0, gauge: 1, summary: 2 });

export const log = Object.freeze({
  debug: (message) => write(0, message),
  info: (message) => write(1, message),
  warning: (message) => write(2, message),
  error: (message) => write(3, message),
});

// The answers of a retry policy.
export const abstain = () => ({ tag: 'abstain' });
export const giveUp = () => ({ tag: 'give-up' });
export const retryAfterMs = (afterMs, otherLink = false) => ({
  tag: 'retry',
  val: { afterMs: BigInt(afterMs), otherLink, extensions: [] },
});
export const park = (seconds) => ({ tag: 'park', val: BigInt(seconds) });

// The operator's settings; each is read by its name, with what holds when it is left out.
class Settings {
  #given;
  #asked = [];

  constructor(pairs) {
    this.#given = new Map(pairs);
  }

  number(name, otherwise, least, most) {
    return this.#read(name, otherwise, `a number from ${least} to ${most}`, (text) => {
      const number = text.trim() === '' ? NaN : Number(text);
      return number >= least && number <= most ? number : undefined;
    });
  }

  text(name, otherwise) {
    return this.#read(name, otherwise, 'a text', (text) => text);
  }

  flag(name, otherwise) {
    return this.#read(name, otherwise, 'true or false', (text) => ({ true: true, false: false })[text]);
  }

  #read(name, otherwise, what, read) {
    this.#asked.push(name);
    if (!this.#given.has(name)) return otherwise;
    const text = this.#given.get(name);
    const value = read(text);
    if (value === undefined) throw new Error(`${name} is ${what}, not ${JSON.stringify(text)}`);
    return value;
  }

  finish() {
    for (const name of this.#given.keys()) {
      if (this.#asked.includes(name)) continue;
      const known = this.#asked.length ? `; there are ${this.#asked.join(', ')}` : ': this policy has none';
      throw new Error(`unknown setting ${JSON.stringify(name)}${known}`);
    }
  }
}

// Makes the exports of a policy: `configure(settings)` gives what the policy keeps, and `answer(kept,
// question)` is its one function, under the contract's name.
export function policyOf(name, configure, answer) {
  let kept;
  const make = (pairs) => {
    const settings = new Settings(pairs);
    const made = configure(settings);
    settings.finish();
    return made;
  };
  return {
    configure(pairs) {
      try {
        kept = make(pairs);
      } catch (error) {
        // A text is the error of the contract; anything else would be a trap.
        throw error.message;
      }
    },
    [name](question) {
      try {
        kept ??= make([]);
        return answer(kept, question);
      } catch (error) {
        log.error(`panicked: ${error.message ?? error}\n${error.stack ?? ''}`);
        throw error;
      }
    },
  };
}
