import type { VisitorChange } from '../trace.js';

/** Where a station stands with its gateway. */
export type State =
  /** The AAA port is asked who it is. */
  | 'authenticating'
  /** The anchor is asked; nothing is promised yet. */
  | 'registering'
  /** The anchor knows no address of the mobile: it is advertised to and watched until it shows one. */
  | 'awaitingAddress'
  /** Served. */
  | 'registered'
  /** Turned away by AAA or anchor: nothing is forwarded. */
  | 'refused'
  /** Off the link; kept for a moment, since its next gateway is most likely to be heard of from the anchor. */
  | 'leaving'
  /** Off the link and registered by another gateway: what is still under way to it is passed on. */
  | 'yielding'
  /** Off the link for good; the anchor is being told. */
  | 'deregistering'
  | 'gone';

export type Event =
  /** Its link came up, or it spoke without being known. */
  | 'attached'
  | 'detached'
  /** By AAA. */
  | 'accepted'
  | 'rejected'
  /** By the anchor: registered; no binding and no address; refused. */
  | 'acknowledged'
  | 'missing'
  | 'refused'
  /** It showed an address of its prefix. */
  | 'addressLearnt'
  /** The server it had its only address from has it back. */
  | 'addressGivenBack'
  | 'refreshDue'
  | 'retryDue'
  /** What the anchor granted is over. */
  | 'expired'
  /** It stayed away; the anchor knows of it, or never did. */
  | 'lingered'
  | 'forgotten'
  /** The anchor does not answer. */
  | 'exhausted'
  /** The anchor says it is at another gateway; the anchor wants it served no more. */
  | 'revoked'
  | 'dismissed'
  /** Another gateway has registered it, and it is not here; something is still to be passed on. */
  | 'displaced'
  | 'yielded'
  /** Its prefix is another one now, of another anchor; what it keeps from before is here again. */
  | 'anchorChanged'
  | 'returned'
  /** It is at another link of this gateway. */
  | 'superseded'
  /** The operator takes its state away; the gateway goes down. */
  | 'released'
  | 'closing';

export type Action =
  | 'authenticate'
  /** Ask the anchor for what it knows; register what is known here; the same, of a station known to be there. */
  | 'confirm'
  | 'register'
  | 'refresh'
  | 'deregister'
  | 'serve'
  | 'unserve'
  | 'advertise'
  /** Answer what it asked meanwhile. */
  | 'attend'
  | 'withdraw'
  | 'linger'
  | 'retryLater'
  | 'remove';

type Transition = readonly [next: State, ...actions: readonly Action[]];
type Transitions = Readonly<Partial<Record<Event, Transition>>>;

/** In every state but the last, unless it says otherwise. */
const always: Transitions = {
  attached: ['authenticating', 'authenticate'],
  detached: ['leaving', 'linger'],
  dismissed: ['gone', 'withdraw', 'unserve', 'remove'],
  displaced: ['gone', 'unserve', 'remove'],
  superseded: ['gone', 'unserve', 'remove'],
  released: ['deregistering', 'withdraw', 'unserve', 'deregister'],
  closing: ['deregistering', 'unserve', 'deregister'],
};

/** What happens to a visitor, state by state (gundavelli §6 to §8, RFC 5213 §6.9.1). What a state does not name it ignores. */
export const transitions: Readonly<Record<State, Transitions>> = {
  authenticating: {
    ...always,
    accepted: ['registering', 'confirm'],
    rejected: ['refused', 'withdraw', 'unserve', 'retryLater'],
    retryDue: ['authenticating', 'authenticate'],
    expired: ['authenticating', 'unserve'],
  },
  registering: {
    ...always,
    acknowledged: ['registered', 'serve', 'advertise', 'attend'],
    missing: ['awaitingAddress', 'unserve', 'advertise', 'attend'],
    refused: ['refused', 'withdraw', 'unserve', 'retryLater'],
    expired: ['registering', 'unserve'],
    anchorChanged: ['awaitingAddress', 'unserve', 'advertise', 'attend'],
  },
  awaitingAddress: {
    ...always,
    anchorChanged: ['awaitingAddress', 'advertise'],
    addressLearnt: ['registering', 'register'],
    revoked: ['gone', 'remove'],
  },
  registered: {
    ...always,
    acknowledged: ['registered', 'serve'],
    missing: ['awaitingAddress', 'unserve'],
    refused: ['refused', 'withdraw', 'unserve', 'retryLater'],
    addressLearnt: ['registered', 'register'],
    addressGivenBack: ['awaitingAddress', 'unserve', 'deregister'],
    anchorChanged: ['awaitingAddress', 'unserve', 'advertise'],
    refreshDue: ['registered', 'refresh'],
    expired: ['registering', 'unserve', 'register'],
    revoked: ['gone', 'unserve', 'remove'],
  },
  refused: {
    ...always,
    retryDue: ['registering', 'confirm'],
    forgotten: ['gone', 'remove'],
    revoked: ['gone', 'remove'],
  },
  leaving: {
    ...always,
    detached: ['leaving'],
    lingered: ['deregistering', 'unserve', 'deregister'],
    forgotten: ['gone', 'unserve', 'remove'],
    expired: ['gone', 'unserve', 'remove'],
    revoked: ['gone', 'unserve', 'remove'],
    yielded: ['yielding', 'linger'],
    returned: ['registered'],
  },
  yielding: {
    ...always,
    detached: ['yielding'],
    lingered: ['gone', 'unserve', 'remove'],
  },
  deregistering: {
    attached: ['authenticating', 'authenticate'],
    acknowledged: ['gone', 'remove'],
    missing: ['gone', 'remove'],
    refused: ['gone', 'remove'],
    exhausted: ['gone', 'remove'],
    revoked: ['gone', 'remove'],
    dismissed: ['gone', 'remove'],
    displaced: ['gone', 'remove'],
    superseded: ['gone', 'remove'],
  },
  gone: {},
};

/** What the trace calls an event; the others it does not tell. */
export const changes: Readonly<Partial<Record<Event, VisitorChange>>> = {
  attached: 'attached',
  accepted: 'authenticated',
  rejected: 'rejected',
  acknowledged: 'registered',
  addressLearnt: 'address',
  detached: 'left',
  revoked: 'revoked',
  dismissed: 'revoked',
  displaced: 'left',
  yielded: 'left',
  superseded: 'left',
};
