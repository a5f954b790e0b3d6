/** Status of a Binding Acknowledgement; below 128 the Binding Update was accepted. */
export const bindingStatus = {
  accepted: 0, // RFC 6275 §6.1.8
  prefixDiscoveryNecessary: 1,
  reasonUnspecified: 128,
  administrativelyProhibited: 129,
  insufficientResources: 130,
  homeRegistrationNotSupported: 131,
  notHomeSubnet: 132,
  notHomeAgentForThisMobileNode: 133,
  duplicateAddressDetectionFailed: 134,
  sequenceNumberOutOfWindow: 135,
  expiredHomeNonceIndex: 136,
  expiredCareOfNonceIndex: 137,
  expiredNonces: 138,
  registrationTypeChange: 139,
  /** gundavelli §5.1, where the Binding Update had P and not R (with R it is RFC 3963's: mobile router operation not permitted). */
  proxyRegistrationNotSupported: 140,
  /** gundavelli §5.1, where the Binding Update had P and not R. */
  bindingCacheEntryMissing: 141,
  proxyRegistrationNotEnabled: 152, // RFC 5213 §8.9
  notAnchorForThisMobileNode: 153,
  gatewayNotAuthorized: 154,
  notAuthorizedForHomeNetworkPrefix: 155,
  timestampMismatch: 156,
  timestampLowerThanPreviouslyAccepted: 157,
  missingHomeNetworkPrefix: 158,
  prefixSetsDoNotMatch: 159,
  missingMobileNodeIdentifier: 160,
  missingHandoffIndicator: 161,
  missingAccessTechnologyType: 162,
} as const;

/** Status of a Binding Revocation Acknowledgement (RFC 5846 §5.2). */
export const revocationStatus = {
  success: 0,
  partialSuccess: 1,
  bindingDoesNotExist: 128,
  mobileNodeIsAttached: 132,
  functionNotSupported: 134,
} as const;

/** Trigger of a Binding Revocation Indication (RFC 5846 §5.1). */
export const revocationTrigger = {
  unspecified: 0,
  administrativeReason: 1,
  handoverSameAccessType: 2,
  handoverDifferentAccessType: 3,
  handoverUnknown: 4,
} as const;

/** Handoff Indicator (RFC 5213 §8.4). */
export const handoffIndicator = {
  newInterface: 1,
  betweenInterfaces: 2,
  betweenGateways: 3,
  unknown: 4,
  noChange: 5,
} as const;
