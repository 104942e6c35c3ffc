// One seeded generator for everything random in the bench: the same seed gives the same data set and the same requests on every machine.

export class Random {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** mulberry32: 32 bits of state, enough for test data. */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** A whole number, 0 to bound - 1. */
  below(bound) {
    return this.next() % bound;
  }

  /** True in `percent` of the calls. */
  chance(percent) {
    return this.below(100) < percent;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  words(count) {
    const out = [];
    for (let i = 0; i < count; i++) out.push(this.pick(lexicon));
    return out.join(' ');
  }

  /** A random UUID (version 4): a key that nothing has. */
  uuid() {
    const hex = [0, 1, 2, 3].map(() => this.next().toString(16).padStart(8, '0')).join('');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
  }

  /** A UUIDv7 of the given moment, so that keys are as ordered as those a running system makes. */
  uuid7(milliseconds) {
    const time = milliseconds.toString(16).padStart(12, '0');
    const a = (0x7000 | (this.next() & 0xfff)).toString(16);
    const b = (0x8000 | (this.next() & 0x3fff)).toString(16);
    const c = this.next().toString(16).padStart(8, '0') + (this.next() & 0xffff).toString(16).padStart(4, '0');
    return `${time.slice(0, 8)}-${time.slice(8)}-${a}-${b}-${c}`;
  }
}

const lexicon = (
  'river stone letter morning paper garden window market signal harbour winter answer engine mirror bridge summer thread copper ' +
  'silent narrow early bright slow patient common distant careful steady honest hollow wooden open quiet second northern plain ' +
  'carries follows measures returns gathers repeats opens keeps writes reads holds turns begins changes waits leaves joins crosses'
).split(' ');
