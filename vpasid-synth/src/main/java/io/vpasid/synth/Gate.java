package io.vpasid.synth;

import io.vpasid.synth.quirk.Decision;
import io.vpasid.synth.quirk.MatchedQuirks;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Decides if a vPASID may be shown at all, and how much of one: never more than the host reports,
/// than a quirk allows, and than PCI Express knows.
sealed interface Gate {

  /// It may.
  ///
  /// @param capability the most that may be shown
  /// @param notes what narrowed it, each a sentence
  record Open(PasidCapability capability, List<String> notes) implements Gate {}

  /// It may not.
  record Closed(DeclineReason reason, String explanation) implements Gate {}

  /// Decides how much of a PASID capability a function may show, if any.
  ///
  /// @param hardware what the host reports
  /// @param own what the device's own PASID capability supports, if it has one: IOMMU_GET_HW_INFO
  ///   never reports more, so if `hardware` does, it is of another device
  static Gate decide(HardwareInfo hardware, Optional<HardwareInfo> own, MatchedQuirks quirks) {
    if (quirks.refusal().isPresent()) {
      Decision<String> refusal = quirks.refusal().get();
      return new Closed(
          DeclineReason.REFUSED_BY_QUIRK,
          "The quirk " + refusal.source() + " refuses a vPASID: " + refusal.value());
    }
    if (hardware.maxPasidLog2() == 0) {
      return new Closed(
          DeclineReason.NO_PASID_ON_HOST,
          "The host has no PASIDs for this device: out_max_pasid_log2 of IOMMU_GET_HW_INFO is 0, or"
              + " its VFIO attaches none: that needs Linux 6.15 or newer.");
    }
    List<String> notes = new ArrayList<>();
    int width = Math.min(hardware.maxPasidLog2(), HardwareInfo.MAX_WIDTH);
    if (width < hardware.maxPasidLog2()) {
      notes.add(
          "The host reports "
              + hardware.maxPasidLog2()
              + " bits; PCI Express has no PASIDs of more than 20.");
    }
    HardwareInfo device = own.orElse(hardware);
    if (device.maxPasidLog2() == 0) {
      return new Closed(
          DeclineReason.NO_PASID_ON_HOST,
          "The device's own PASID capability says Max PASID Width 0: no host gives it PASIDs.");
    }
    if (device.maxPasidLog2() < width) {
      notes.add(
          "The hw-info has %d bits, the device's own PASID capability %d: no host reports more."
              .formatted(width, device.maxPasidLog2()));
      width = device.maxPasidLog2();
    }
    if (hardware.exec() && !device.exec()) {
      notes.add("The hw-info has execute permission, which the device itself does not support.");
    }
    if (hardware.priv() && !device.priv()) {
      notes.add("The hw-info has privileged mode, which the device itself does not support.");
    }
    if (quirks.maxWidth().isPresent() && quirks.maxWidth().get().value() < width) {
      Decision<Integer> limit = quirks.maxWidth().get();
      width = limit.value();
      notes.add("The quirk " + limit.source() + " limits PASIDs to " + width + " bits.");
    }
    boolean canExec = hardware.exec() && device.exec();
    boolean canPriv = hardware.priv() && device.priv();
    boolean exec = canExec && quirks.exec().map(Decision::value).orElse(true);
    boolean priv = canPriv && quirks.priv().map(Decision::value).orElse(true);
    if (exec != canExec) {
      notes.add("The quirk " + quirks.exec().get().source() + " turns execute permission off.");
    }
    if (priv != canPriv) {
      notes.add("The quirk " + quirks.priv().get().source() + " turns privileged mode off.");
    }
    return new Open(new PasidCapability(width, exec, priv), notes);
  }
}
