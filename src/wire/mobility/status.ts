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

/** Status of a Fast Binding Acknowledgment (RFC 5568 §6.2.3); below 128 the Fast Binding Update was accepted. */
export const fastBindingStatus = {
  accepted: 0,
  /** The care-of address to use stands in the Alternate Care-of Address option. */
  useSuppliedCareOfAddress: 1,
  reasonUnspecified: 128,
  administrativelyProhibited: 129,
  insufficientResources: 130,
  incorrectInterfaceIdentifierLength: 131,
} as const;

/** Code of a Handover Acknowledge (RFC 5568 §6.2.1.2); below 128 the handover was accepted. */
export const handoverAcknowledgeCode = {
  careOfAddressValid: 0,
  careOfAddressInvalid: 1,
  careOfAddressAssigned: 2,
  usePreviousCareOfAddress: 3,
  unsolicited: 4,
  reasonUnspecified: 128,
  administrativelyProhibited: 129,
  insufficientResources: 130,
} as const;

/** Whose address an IP Address/Prefix option holds (RFC 5568 §6.4.1, §6.4.2). */
export const addressCode = {
  oldCareOfAddress: 1,
  newCareOfAddress: 2,
  newAccessRouter: 3,
  newAccessRouterPrefix: 4,
} as const;

/** Whose link-layer address an option holds, or what became of the question (RFC 5568 §6.4.3). */
export const linkLayerAddressCode = {
  wildcard: 0,
  newAccessPoint: 1,
  mobileNode: 2,
  newAccessRouter: 3,
  source: 4,
  /** The access point is one of this router's interface: the care-of address stays. */
  sameInterface: 5,
  noPrefixInformation: 6,
  noFastHandover: 7,
} as const;

/** Status of a Neighbor Advertisement Acknowledgment option (RFC 5568 §6.4.6). */
export const neighbourAcknowledgmentStatus = {
  configureAddress: 1,
  useSuppliedCareOfAddress: 2,
  useRouterAddress: 3,
  previousCareOfAddressSupplied: 4,
  linkLayerAddressUnrecognised: 128,
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
