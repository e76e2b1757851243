package io.vpasid.synth;

/// Why a function gets no vPASID.
public enum DeclineReason {
  /// IOMMU_GET_HW_INFO reports a PASID width of 0.
  NO_PASID_ON_HOST,
  /// A quirk says that this device must not have one.
  REFUSED_BY_QUIRK,
  /// The header is not of type 0: vfio-pci does not pass such a function through.
  NOT_AN_ENDPOINT,
  /// No PCI Express capability: the guest would not look at the extended space.
  NOT_PCI_EXPRESS,
  /// The configuration space has 256 bytes only.
  NO_EXTENDED_SPACE,
  /// The extended space reads as all ones.
  UNREADABLE,
  /// The extended space repeats the first 256 bytes.
  MIRRORED,
  /// The list of extended capabilities starts with bytes that cannot be replaced.
  HEAD_OCCUPIED,
  /// No place was found, or the requested one is unavailable.
  NO_HOLE
}
