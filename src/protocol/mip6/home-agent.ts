import { bindingStatus as status } from '../../wire/mobility/status.js';
import type { AnchorSettings } from '../anchor/anchor.js';
import {
  createSelfRegistrationAnchor,
  permittedHome,
  type SelfRegistrationPolicy,
  type SelfRegistrationRequest,
} from '../anchor/self-registration.js';
import { homeAgentTests, refused, type Test } from '../anchor/validate.js';
import type { Engine, Environment } from '../contract.js';

export interface HomeAgentSettings extends AnchorSettings {
  /** Whether Binding Updates with P, on behalf of mobiles, are served. */
  readonly proxyRegistration: boolean;
}

/** The home agent of RFC 6275 §10. */
export function createHomeAgent(settings: HomeAgentSettings, environment: Environment): Engine {
  return createSelfRegistrationAnchor(settings, policy(settings), environment);
}

function policy({ proxyRegistration }: HomeAgentSettings): SelfRegistrationPolicy {
  const tests = [...homeAgentTests, permittedHome];
  return { homeAgent: true, tests: proxyRegistration ? tests : [...tests, noProxyRegistration] };
}

const noProxyRegistration: Test<SelfRegistrationRequest> = {
  name: 'proxy registration',
  section: 'RFC 5213 §5.3.1',
  fails: ({ update }) =>
    update.message.flags.proxy
      ? refused(status.proxyRegistrationNotEnabled, 'proxy registration not enabled')
      : undefined,
};
