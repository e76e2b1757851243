package io.vpasid.guest.daemon;

import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.iommu.VirtualIommu;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import io.vpasid.vmm.frontend.vtd.FirstStageTable;
import io.vpasid.vmm.frontend.vtd.GuestEntry;
import io.vpasid.vmm.frontend.vtd.Requester;
import io.vpasid.vmm.frontend.vtd.SecondStageTable;
import io.vpasid.vmm.frontend.vtd.Translation;
import io.vpasid.vmm.frontend.vtd.VtdStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/// What the control socket tells of a virtual IOMMU.
final class IommuReport {
  /// How long a unit's worker may take to answer.
  private static final int SECONDS = 5;

  private IommuReport() {}

  /// Registers, tables and counters.
  ///
  /// @param limit most entries of the guest's tables
  /// @throws ControlException if the unit is too busy to tell
  static Map<String, Object> of(ServedIommu served, int limit) {
    VirtualIommu.Snapshot snapshot;
    try {
      snapshot = served.iommu().snapshot(limit).orTimeout(SECONDS, TimeUnit.SECONDS).join();
    } catch (CompletionException e) {
      throw ControlException.generic(
          "the IOMMU is busy with what its guest has asked for; ask again later");
    }
    VtdStatus status = snapshot.status();
    VtdStatus.Counters counters = status.counters();
    Map<String, Object> report =
        Daemon.fields(
            "iommu",
            served.config().name(),
            "socket",
            served.config().socket(),
            "mode",
            mode(served.iommu().mode()),
            "reason",
            served.iommu().mode().reason(),
            "translating",
            status.translating(),
            "tables",
            status.mode().name().toLowerCase(Locale.ROOT),
            "registers",
            registers(served.iommu().unit().registers()),
            "counters",
            Daemon.fields(
                "descriptors", counters.descriptors(),
                "waits", counters.waits(),
                "queueErrors", counters.queueErrors(),
                "entryChanges", counters.entryChanges(),
                "faults", counters.faults(),
                "faultsLost", counters.faultsLost(),
                "pageRequests", counters.pageRequests(),
                "pageRequestsLost", counters.pageRequestsLost()));
    List<Map<String, Object>> entries = new ArrayList<>();
    for (VirtualIommu.ShownEntry entry : snapshot.entries()) {
      entries.add(entry(served, entry));
    }
    report.put("entries", entries);
    report.put("more", status.entries().size() > entries.size());
    return report;
  }

  private static Map<String, Object> registers(Map<String, Long> values) {
    Map<String, Object> registers = Daemon.fields();
    values.forEach((name, value) -> registers.put(name, hex(value)));
    return registers;
  }

  private static Map<String, Object> entry(ServedIommu served, VirtualIommu.ShownEntry shown) {
    Requester requester = shown.told().requester();
    Map<String, Object> entry =
        Daemon.fields(
            "function", ServedIommu.functionAt(served.config(), requester.function()),
            "place", requester.function().toString());
    if (requester instanceof Requester.WithPasid with) {
      entry.put("pasid", with.pasid());
    }
    entry.put("entry", text(shown.told().translation()));
    entry.put("attached", shown.attachedTo());
    entry.put("tables", shown.path().stream().map(IommuReport::table).toList());
    return entry;
  }

  private static Map<String, Object> table(GuestEntry entry) {
    return Daemon.fields(
        "table",
        entry.table().name().toLowerCase(Locale.ROOT),
        "address",
        hex(entry.address()),
        "words",
        entry.words().stream().map(IommuReport::hex).toList());
  }

  private static String hex(long value) {
    return "0x" + Long.toHexString(value);
  }

  /// `nested` or `shadow`.
  static String mode(TranslationMode mode) {
    return mode.kind().name().toLowerCase(Locale.ROOT);
  }

  /// What an entry says, in words.
  static String text(Translation translation) {
    return switch (translation) {
      case Translation.Untranslated _ -> "translation is off";
      case Translation.Absent _ -> "not present";
      case Translation.PassThrough its -> "pass-through, domain " + its.domainId();
      case Translation.FirstStage its -> first(its.table()) + ", domain " + its.domainId();
      case Translation.SecondStage its -> second(its.table()) + ", domain " + its.domainId();
      case Translation.Nested its ->
          first(its.first()) + " on " + second(its.second()) + ", domain " + its.domainId();
    };
  }

  private static String first(FirstStageTable table) {
    return "first stage at " + hex(table.pointer()) + " (" + table.addressWidth() + " bits)";
  }

  private static String second(SecondStageTable table) {
    return "second stage at " + hex(table.pointer()) + " (" + table.addressWidth() + " bits)";
  }
}
