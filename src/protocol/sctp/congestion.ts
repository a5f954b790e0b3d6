import { maximumPacketOctets } from './settings.js';

const mtu = maximumPacketOctets;
/** No more than the peer's window would let through anyway. */
const maximumWindow = 1 << 18;

/** The congestion window of one path (RFC 9260 §7.2). */
export class Congestion {
  #window = initialWindow();
  #threshold = maximumWindow;
  #partial = 0;

  get window(): number {
    return this.#window;
  }

  /** §7.2.1, §7.2.2: so many octets were acknowledged by a cumulative TSN that moved, while `full` of the window was used. */
  acknowledged(octets: number, full: boolean): void {
    if (this.#window <= this.#threshold) {
      if (full) this.#grow(Math.min(octets, mtu));
      return;
    }
    this.#partial += octets;
    if (this.#partial < this.#window || !full) return;
    this.#partial -= this.#window;
    this.#grow(mtu);
  }

  allAcknowledged(): void {
    this.#partial = 0;
  }

  /** §7.2.3, §7.2.4: a gap was reported thrice. */
  lost(): void {
    this.#threshold = Math.max(this.#window / 2, 4 * mtu);
    this.#window = this.#threshold;
    this.#partial = 0;
  }

  timedOut(): void {
    this.#threshold = Math.max(this.#window / 2, 4 * mtu);
    this.#window = mtu;
    this.#partial = 0;
  }

  /** §7.2.1: nothing was sent for longer than a timeout. */
  idle(): void {
    this.#window = Math.min(this.#window, initialWindow());
  }

  #grow(octets: number): void {
    this.#window = Math.min(this.#window + octets, maximumWindow);
  }
}

function initialWindow(): number {
  return Math.min(4 * mtu, Math.max(2 * mtu, 4404));
}
