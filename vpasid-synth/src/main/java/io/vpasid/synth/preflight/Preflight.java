package io.vpasid.synth.preflight;

import io.vpasid.pci.ConfigSpace;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// All checks that tell if a Linux guest will enable PASIDs on a function: every one that it makes,
/// one after the other, as far as what is given decides them.
///
/// It looks at the bytes that the guest will see, and not at how they came about. A check that
/// nothing given decides is [Verdict#UNKNOWN], never a pass. The rules are those of Linux 7.3 under
/// an Intel virtual IOMMU.
///
/// @param checks one per [CheckId], in its order
public record Preflight(List<Check> checks) {

  /// @throws IllegalArgumentException if it is not one check per id, in order
  public Preflight {
    checks = List.copyOf(checks);
    if (!checks.stream().map(Check::id).toList().equals(List.of(CheckId.values()))) {
      throw new IllegalArgumentException("A preflight has one check of each id, in their order");
    }
  }

  /// Makes all checks. A pure function that does not throw, whatever the bytes are.
  public static Preflight of(PreflightRequest request) {
    List<Check> checks =
        request.physicalFunction().isPresent()
            ? ofVirtualFunction(request, request.physicalFunction().get())
            : ofFunction(request);
    return new Preflight(
        checks.stream()
            .map(check -> request.assumed().contains(check.id()) ? check.assumed() : check)
            .toList());
  }

  /// The answer that P1 to P22 come to; ATS (P23), PRI (P24) and SVA (P25) do not count.
  public Answer answer() {
    boolean open = false;
    for (Check check : checks) {
      if (check.id().decidesPasid()) {
        if (check.verdict() == Verdict.FAIL) {
          return Answer.NO;
        }
        open |= check.verdict() == Verdict.UNKNOWN;
      }
    }
    return open ? Answer.UNKNOWN : Answer.YES;
  }

  /// The check with this id.
  Check check(CheckId id) {
    return checks.stream().filter(c -> c.id() == id).findFirst().orElseThrow();
  }

  /// The checks with this verdict, in order.
  List<Check> with(Verdict verdict) {
    return checks.stream().filter(c -> c.verdict() == verdict).toList();
  }

  private static List<Check> ofFunction(PreflightRequest request) {
    LinuxFunction function = new LinuxFunction(LinuxFunction.ITSELF, request.view());
    Optional<List<LinuxFunction>> ports = ports(request);
    ExtendedSearch search = function.extendedCapability(LinuxFunction.PASID);
    List<Check> checks = new ArrayList<>(kernel());
    List<Check> space = new SpaceChecks(function, ports, search).all();
    checks.addAll(space);
    boolean walked =
        space.stream()
            .filter(c -> c.id().compareTo(CheckId.P6) <= 0)
            .noneMatch(c -> c.verdict() == Verdict.FAIL);
    CapabilityChecks capability =
        new CapabilityChecks(function, walked, search, request.hardware(), request.iommu());
    checks.add(capability.found());
    checks.add(capability.width());
    IommuChecks iommu =
        new IommuChecks(function, walked, request.hardware(), ports, request.iommu());
    checks.add(iommu.unit());
    checks.add(iommu.scalableMode());
    checks.add(iommu.pasids());
    checks.add(iommu.preparation(Optional.empty()));
    checks.add(
        Check.notApplicable(
            CheckId.P17, "The guest does not know the function as the virtual one of another."));
    checks.add(capability.notEnabledBefore());
    PathChecks path =
        new PathChecks(function, walked, ports, request.place().map(GuestPlace::function));
    checks.add(path.endEndPrefixes());
    checks.add(capability.recorded());
    checks.add(path.acsPath());
    checks.add(capability.permissions());
    Check ats = iommu.ats();
    checks.add(ats);
    checks.add(iommu.pri(assumedOr(request, ats)));
    checks.add(iommu.sva());
    return checks;
  }

  /// A function that the guest knows as a virtual one: its physical function decides.
  private static List<Check> ofVirtualFunction(PreflightRequest request, ConfigSpace physical) {
    Preflight above = of(request.ofPhysicalFunction(physical));
    LinuxFunction function = new LinuxFunction(LinuxFunction.ITSELF, request.view());
    List<Check> checks = new ArrayList<>(kernel());
    checks.addAll(SpaceChecks.ofVirtualFunction());
    checks.add(inherited(above.check(CheckId.P11)));
    checks.add(inherited(above.check(CheckId.P12)));
    IommuChecks iommu =
        new IommuChecks(function, true, request.hardware(), ports(request), request.iommu());
    checks.add(iommu.unit());
    checks.add(iommu.scalableMode());
    checks.add(iommu.pasids());
    checks.add(iommu.preparation(Optional.of(new LinuxFunction("physical function", physical))));
    checks.add(physicalFunction(above));
    String shared = "Linux enables PASIDs on the physical function only (P17).";
    for (CheckId id : List.of(CheckId.P18, CheckId.P19, CheckId.P20, CheckId.P21, CheckId.P22)) {
      checks.add(Check.notApplicable(id, shared));
    }
    checks.add(iommu.ats());
    checks.add(inherited(above.check(CheckId.P24)));
    checks.add(iommu.sva());
    return checks;
  }

  private static Check physicalFunction(Preflight above) {
    List<Verdict> decisive =
        switch (above.answer()) {
          case YES -> List.of(Verdict.PASS);
          case NO -> List.of(Verdict.FAIL);
          case UNKNOWN -> List.of(Verdict.UNKNOWN);
        };
    String ids =
        above.checks().stream()
            .filter(c -> c.id().decidesPasid() && decisive.contains(c.verdict()))
            .map(c -> c.id().name())
            .collect(Collectors.joining(", "));
    return switch (above.answer()) {
      case YES -> Check.pass(CheckId.P17, "The guest enables PASIDs on the physical function.");
      case NO ->
          Check.fail(
              CheckId.P17,
              "The guest does not enable PASIDs on the physical function, which fails " + ids + ".",
              "Ask for the checks of the physical function.");
      case UNKNOWN ->
          Check.unknown(
              CheckId.P17,
              "Whether the guest enables PASIDs on the physical function is open: " + ids + ".",
              "Ask for the checks of the physical function.");
    };
  }

  /// The physical function's check, as one of the virtual function.
  private static Check inherited(Check check) {
    return new Check(
        check.id(),
        check.verdict(),
        "On the physical function: " + lower(check.explanation()),
        check.evidence().stream()
            .map(e ->
                e.of().equals(LinuxFunction.ITSELF)
                    ? new Evidence("physical function", e.offset(), e.bytes(), e.value(), e.what())
                    : e)
            .toList(),
        check.remedy());
  }

  private static String lower(String text) {
    return text.substring(0, 1).toLowerCase(Locale.ROOT) + text.substring(1);
  }

  private static Check assumedOr(PreflightRequest request, Check check) {
    return request.assumed().contains(check.id()) ? check.assumed() : check;
  }

  private static Optional<List<LinuxFunction>> ports(PreflightRequest request) {
    return request
        .place()
        .map(place ->
            IntStream.range(0, place.ports().size())
                .mapToObj(i -> LinuxFunction.port(i, place.ports().get(i)))
                .toList());
  }

  /// P1 and P2, which no register tells.
  private static List<Check> kernel() {
    return List.of(
        Check.unknown(
            CheckId.P1,
            "The guest's kernel is not in configuration space.",
            "Use one with CONFIG_INTEL_IOMMU, and start it with intel_iommu=on."),
        Check.unknown(
            CheckId.P2,
            "The guest's kernel is not in configuration space.",
            "Start it with intel_iommu=on,sm_on."));
  }
}
