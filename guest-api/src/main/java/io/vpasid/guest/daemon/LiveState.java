package io.vpasid.guest.daemon;

import io.vpasid.guest.control.ControlException;
import java.util.List;
import java.util.Optional;

/// What a daemon serves at a moment, as `query-state` has it and the [page][LivePage] shows it.
///
/// @param started in milliseconds since 1970
record LiveState(
    String version,
    long started,
    List<Function> functions,
    Reply.Attachments attachments,
    List<Space> addressSpaces,
    List<Iommu> iommus) {
  /// Most attached PASIDs that are told, and most entries of each IOMMU.
  static final int MOST_ATTACHMENTS = 1000;

  private static final int MOST_ENTRIES = 256;

  /// @param counted how often something happened
  record Function(
      FunctionReport.Brief function, Optional<FunctionReport.Peer> client, Counted counted) {
    private static Function of(ServedFunction served) {
      return new Function(
          FunctionReport.Brief.of(served),
          served.peer().map(FunctionReport.Peer::of),
          Counted.of(served.counters()));
    }
  }

  record Counted(long clients, long attached, long detached, long refused, long resets) {
    private static Counted of(ServedFunction.Counters counters) {
      return new Counted(
          counters.clients().sum(),
          counters.attached().sum(),
          counters.detached().sum(),
          counters.refused().sum(),
          counters.resets().sum());
    }
  }

  record Space(int handle, String name) {}

  /// @param report empty if the unit is too busy to tell
  record Iommu(IommuReport.Brief iommu, Optional<IommuReport> report) {
    private static Iommu of(ServedIommu served) {
      Optional<IommuReport> report;
      try {
        report = Optional.of(IommuReport.of(served, MOST_ENTRIES));
      } catch (ControlException _) {
        report = Optional.empty();
      }
      return new Iommu(IommuReport.Brief.of(served), report);
    }
  }

  /// The state now. Any thread may ask; a busy IOMMU keeps it waiting for seconds.
  static LiveState of(Daemon daemon, PasidCommands pasids) {
    return new LiveState(
        daemon.version(),
        daemon.started(),
        daemon.functions().all().stream().map(Function::of).toList(),
        pasids.attached(daemon.functions().all(), 0, MOST_ATTACHMENTS),
        daemon.spaces().table().all().stream()
            .map(space -> new Space(space.handle(), space.name()))
            .toList(),
        daemon.iommus().all().stream().map(Iommu::of).toList());
  }
}
