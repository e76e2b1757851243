package io.vpasid.vmm.frontend.vtd;

import java.util.List;

/// State of a unit for whoever looks after it: what it told its backend, and its counters.
///
/// @param mode TTM as the unit took it
/// @param rootTable address of the guest's root table; guest-physical
/// @param translating GSTS.TES
/// @param entries what is told of each requester that is not absent, by function and PASID
/// @param counters since the unit was made
public record VtdStatus(
    Mode mode, long rootTable, boolean translating, List<Entry> entries, Counters counters) {

  /// Keeps a copy.
  public VtdStatus {
    entries = List.copyOf(entries);
  }

  /// The format of the guest's tables.
  public enum Mode {
    /// 0.
    LEGACY,
    /// 1.
    SCALABLE,
    /// A value that the unit does not offer: everything faults.
    INVALID
  }

  /// One requester.
  ///
  /// @param requester which
  /// @param translation what the backend was last told
  /// @param deviceTlb DTE
  /// @param pageRequests PRE
  public record Entry(
      Requester requester, Translation translation, boolean deviceTlb, boolean pageRequests) {}

  /// How often something happened.
  ///
  /// @param descriptors that were taken from the invalidation queue and done
  /// @param waits among them
  /// @param queueErrors after which the queue stopped
  /// @param entryChanges that the backend was told of
  /// @param faults that were recorded
  /// @param faultsLost because the records were full
  /// @param pageRequests that were put into the guest's queue
  /// @param pageRequestsLost because it was full
  public record Counters(
      long descriptors,
      long waits,
      long queueErrors,
      long entryChanges,
      long faults,
      long faultsLost,
      long pageRequests,
      long pageRequestsLost) {}
}
