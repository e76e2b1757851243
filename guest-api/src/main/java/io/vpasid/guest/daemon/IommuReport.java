package io.vpasid.guest.daemon;

import io.vpasid.guest.config.IommuConfig;
import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.iommu.VirtualIommu;
import io.vpasid.guest.report.Json;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import io.vpasid.vmm.frontend.vtd.FirstStageTable;
import io.vpasid.vmm.frontend.vtd.GuestEntry;
import io.vpasid.vmm.frontend.vtd.Requester;
import io.vpasid.vmm.frontend.vtd.SecondStageTable;
import io.vpasid.vmm.frontend.vtd.Translation;
import io.vpasid.vmm.frontend.vtd.VtdStatus;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/// A virtual IOMMU, as `query-iommu` has it.
///
/// @param mode `nested` or `shadow`, and the `reason` for it
/// @param tables the mode of the guest's tables
/// @param registers values in hexadecimal by the names of the specification
/// @param more the guest's tables have more entries than were asked for
record IommuReport(
    String iommu,
    String socket,
    String mode,
    String reason,
    boolean translating,
    String tables,
    Map<String, String> registers,
    Counters counters,
    List<Entry> entries,
    boolean more) {
  /// Seconds that a unit's worker may take to answer.
  private static final int SECONDS = 5;

  /// An IOMMU as `query-iommus` has it.
  ///
  /// @param covers as in `dsa@04.0`
  record Brief(String iommu, String socket, String mode, List<String> covers) {
    static Brief of(ServedIommu served) {
      IommuConfig config = served.config();
      return new Brief(
          config.name(),
          config.socket().toString(),
          IommuReport.mode(served.iommu().mode()),
          config.covers().entrySet().stream()
              .map(covered -> covered.getKey() + "@" + IommuConfig.text(covered.getValue()))
              .toList());
    }
  }

  /// How often something happened; see [VtdStatus.Counters], which Jackson may not look into.
  record Counters(
      long descriptors,
      long waits,
      long queueErrors,
      long entryChanges,
      long faults,
      long faultsLost,
      long pageRequests,
      long pageRequestsLost) {

    private static Counters of(VtdStatus.Counters counters) {
      return new Counters(
          counters.descriptors(),
          counters.waits(),
          counters.queueErrors(),
          counters.entryChanges(),
          counters.faults(),
          counters.faultsLost(),
          counters.pageRequests(),
          counters.pageRequestsLost());
    }
  }

  /// An entry of the guest's tables that the host has been told.
  ///
  /// @param pasid empty for requests without one
  /// @param entry what it says, in words
  /// @param attached what the requester is attached to, in words
  /// @param tables the way to it, from the root on
  record Entry(
      String function,
      String place,
      Optional<Integer> pasid,
      String entry,
      String attached,
      List<Table> tables) {

    private static Entry of(ServedIommu served, VirtualIommu.ShownEntry shown) {
      Requester requester = shown.told().requester();
      return new Entry(
          ServedIommu.functionAt(served.config(), requester.function()),
          requester.function().toString(),
          requester instanceof Requester.WithPasid with
              ? Optional.of(with.pasid())
              : Optional.empty(),
          text(shown.told().translation()),
          shown.attachedTo(),
          shown.path().stream().map(Table::of).toList());
    }
  }

  /// An entry on the way.
  ///
  /// @param address guest-physical, in hexadecimal like the words
  record Table(String table, String address, List<String> words) {
    private static Table of(GuestEntry entry) {
      return new Table(
          Json.word(entry.table()),
          hex(entry.address()),
          entry.words().stream().map(IommuReport::hex).toList());
    }
  }

  /// Registers, tables and counters.
  ///
  /// @param limit most entries of the guest's tables
  /// @throws ControlException if the unit is too busy to tell
  static IommuReport of(ServedIommu served, int limit) {
    VirtualIommu.Snapshot snapshot;
    try {
      snapshot = served.iommu().snapshot(limit).orTimeout(SECONDS, TimeUnit.SECONDS).join();
    } catch (CompletionException e) {
      throw ControlException.generic(
          "the IOMMU is busy with what its guest has asked for; ask again later");
    }
    VtdStatus status = snapshot.status();
    Map<String, String> registers = new LinkedHashMap<>();
    served.iommu().unit().registers().forEach((name, value) -> registers.put(name, hex(value)));
    List<Entry> entries = snapshot.entries().stream().map(e -> Entry.of(served, e)).toList();
    return new IommuReport(
        served.config().name(),
        served.config().socket().toString(),
        mode(served.iommu().mode()),
        served.iommu().mode().reason(),
        status.translating(),
        Json.word(status.mode()),
        registers,
        Counters.of(status.counters()),
        entries,
        status.entries().size() > entries.size());
  }

  private static String hex(long value) {
    return "0x" + Long.toHexString(value);
  }

  /// `nested` or `shadow`.
  static String mode(TranslationMode mode) {
    return Json.word(mode.kind());
  }

  /// An entry in words.
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
