import { HostError } from '../base/errors.js';
import { errno } from './ffi/libc.js';
import type { ForwardingOutput } from './forwarding.js';

/** Whether it tells packets apart that another anchor has intercepted (the contract's `intercepts`, `intercepted`). */
export function tellsIntercepted(output: ForwardingOutput): boolean {
  switch (output.kind) {
    case 'forward':
      return output.rule.intercepts === true;
    case 'unforward':
      return output.intercepts === true;
    case 'admit':
      return output.intercepted === true;
    case 'unadmit':
      return false;
  }
}

export function interceptionUnsupported(): HostError {
  return new HostError('forward', errno.EOPNOTSUPP, 'a host intercepts nothing for others');
}
