package io.vpasid.vmm.iommufd.simulated;

import io.vpasid.pci.PciAddress;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.ObjectId;
import io.vpasid.vmm.iommufd.Pasid;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Everything that a simulated host shows of one context and one function, to compare.
record Snapshot(
    Map<ObjectId, Integer> users,
    Optional<HwptId> own,
    Map<Pasid, Optional<HwptId>> pasids,
    Map<Pasid, Boolean> translated,
    boolean bound,
    long pinnedBytes) {

  static Snapshot of(SimulatedIommufd iommufd, PciAddress function) {
    SimulatedHost host = iommufd.host();
    Map<ObjectId, Integer> users = new LinkedHashMap<>();
    iommufd.objects().forEach(id -> users.put(id, iommufd.users(id)));
    Map<Pasid, Optional<HwptId>> pasids = new TreeMap<>();
    Map<Pasid, Boolean> translated = new TreeMap<>();
    for (Pasid pasid : host.attachedPasids(function)) {
      pasids.put(pasid, host.attachment(function, pasid));
      translated.put(pasid, host.translates(function, pasid));
    }
    return new Snapshot(
        users,
        host.attachment(function),
        pasids,
        translated,
        host.isBound(function),
        host.pinnedBytes());
  }
}
