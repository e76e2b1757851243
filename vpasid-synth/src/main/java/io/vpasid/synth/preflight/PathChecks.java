package io.vpasid.synth.preflight;

import io.vpasid.pci.Header;
import io.vpasid.pci.PciId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/// P19 and P21: what holds for the function and for every port above it.
final class PathChecks {
  static final String NAME_PORTS =
      "Name the virtual ports above the function, or say that it is on the root bus.";

  private static final int HUAWEI = 0x19e5;

  /// PASIDs of these, which are no PCI Express functions behind their registers, need no prefix.
  private static final Set<Integer> WITHOUT_PREFIX =
      Set.of(0xa250, 0xa251, 0xa255, 0xa256, 0xa258, 0xa259);

  private static final Set<Integer> WITHOUT_PREFIX_REVISIONS = Set.of(0x21, 0x30);

  private static final int ACS_REGISTERS = 0x04;
  private static final int REQUEST_REDIRECT = 1 << 2;
  private static final int UPSTREAM_FORWARDING = 1 << 4;
  private static final int WANTED = REQUEST_REDIRECT | UPSTREAM_FORWARDING;

  private final LinuxFunction function;
  private final boolean walked;
  private final Optional<List<LinuxFunction>> ports;

  /// Function number; empty if not known.
  private final Optional<Integer> number;

  /// @param walked whether Linux walks the function's extended list at all
  PathChecks(
      LinuxFunction function,
      boolean walked,
      Optional<List<LinuxFunction>> ports,
      Optional<Integer> number) {
    this.function = function;
    this.walked = walked;
    this.ports = ports;
    this.number = number;
  }

  // P19

  Check endEndPrefixes() {
    if (isWithoutPrefix()) {
      return Check.pass(
          CheckId.P19,
          "Linux excepts this device: its PASIDs need no prefix.",
          function.dwordAt(Header.VENDOR_ID, "Vendor ID and Device ID"),
          function.byteAt(Header.REVISION_ID, "Revision ID"));
    }
    List<Evidence> evidence = new ArrayList<>();
    Optional<Check> own = ownPrefixes(function, "The function", evidence);
    if (own.isPresent()) {
      return own.get();
    }
    if (needsNoBridge(function)) {
      return passed(
          "A " + function.portTypeText() + " needs no bridge above that has them.", evidence);
    }
    if (ports.isEmpty()) {
      return Check.unknown(
              CheckId.P19,
              "The function has them, but being of type "
                  + function.portType()
                  + " it needs them of every port above too, and those are not known.",
              NAME_PORTS)
          .with(evidence);
    }
    LinuxFunction below = function;
    for (LinuxFunction port : ports.get()) {
      Optional<Check> lacking = ownPrefixes(port, upper(port.label()), evidence);
      if (lacking.isPresent()) {
        return lacking.get();
      }
      if (needsNoBridge(port)) {
        return passed(
            "The function has them, and so has everything up to the Root Port.", evidence);
      }
      below = port;
    }
    return Check.fail(
            CheckId.P19,
            "%s is on the root bus and of type %s: Linux wants a bridge above it that has them."
                .formatted(
                    upper(below == function ? "the function" : below.label()), below.portType()),
            below == function
                ? "Put it below a Root Port that has them, or show it as a Root Complex Integrated"
                    + " Endpoint (type 9), as QEMU does with an Endpoint on its root bus."
                : "The last port has to be a Root Port.")
        .with(evidence);
  }

  private boolean isWithoutPrefix() {
    PciId id = function.config().id();
    return id.vendor() == HUAWEI
        && WITHOUT_PREFIX.contains(id.device())
        && WITHOUT_PREFIX_REVISIONS.contains(function.config().revision());
  }

  /// The failure if `one` does not have the prefixes itself; adds the registers that tell.
  private static Optional<Check> ownPrefixes(
      LinuxFunction one, String name, List<Evidence> evidence) {
    if (!one.isExpress()) {
      return Optional.of(
          Check.fail(
                  CheckId.P19,
                  name + " has no PCI Express capability.",
                  "Only PCI Express carries prefixes.")
              .with(evidence));
    }
    evidence.add(one.expressFlags());
    if (one.expressVersion() < 2) {
      return Optional.of(
          Check.fail(
                  CheckId.P19,
                  "%s has a PCI Express capability of version %s, which has no Device Capabilities 2."
                      .formatted(name, one.expressVersion()),
                  "It has to be of version 2, with bit 21 of that register set where the hardware has"
                      + " End-End TLP prefixes.")
              .with(evidence));
    }
    evidence.add(one.deviceCapabilities2());
    return one.hasEndEndPrefixes()
        ? Optional.empty()
        : Optional.of(
            Check.fail(
                    CheckId.P19,
                    name + " does not have them: Device Capabilities 2 bit 21 is 0.",
                    "Where the hardware and everything above it carries them, a VMM may serve that bit"
                        + " as 1; elsewhere PASIDs cannot work.")
                .with(evidence));
  }

  private static boolean needsNoBridge(LinuxFunction one) {
    return one.portType() == LinuxFunction.ROOT_PORT
        || one.portType() == LinuxFunction.ROOT_COMPLEX_ENDPOINT;
  }

  private static Check passed(String explanation, List<Evidence> evidence) {
    return Check.pass(CheckId.P19, explanation).with(evidence);
  }

  // P21

  /// Effect of one function or port on the path for the whole.
  private record Isolation(Verdict verdict, String explanation, String remedy) {
    static Isolation pass(String explanation) {
      return new Isolation(Verdict.PASS, explanation, "");
    }
  }

  Check acsPath() {
    List<Evidence> evidence = new ArrayList<>();
    List<Isolation> path = new ArrayList<>();
    path.add(isolation(function, true, evidence));
    ports.ifPresent(above -> {
      for (LinuxFunction port : above) {
        path.add(isolation(port, false, evidence));
      }
    });
    for (Verdict decisive : List.of(Verdict.FAIL, Verdict.UNKNOWN)) {
      for (Isolation one : path) {
        if (one.verdict() == decisive) {
          Check check =
              decisive == Verdict.FAIL
                  ? Check.fail(CheckId.P21, one.explanation(), one.remedy())
                  : Check.unknown(CheckId.P21, one.explanation(), one.remedy());
          return check.with(evidence);
        }
      }
    }
    if (ports.isEmpty()) {
      return Check.unknown(
              CheckId.P21,
              path.getFirst().explanation() + " The virtual ports above it are not known.",
              NAME_PORTS)
          .with(evidence);
    }
    return Check.pass(
            CheckId.P21, String.join(" ", path.stream().map(Isolation::explanation).toList()))
        .with(evidence);
  }

  private Isolation isolation(LinuxFunction one, boolean isFunction, List<Evidence> evidence) {
    String name = isFunction ? "The function" : upper(one.label());
    AcsExceptions.Ruling ruling = AcsExceptions.of(one);
    if (ruling == AcsExceptions.Ruling.ISOLATED) {
      return Isolation.pass(name + " is isolated by Linux's table of exceptions.");
    }
    if (ruling == AcsExceptions.Ruling.UNDECIDED) {
      return new Isolation(
          Verdict.UNKNOWN,
          name
              + " is in Linux's table of ACS exceptions, which decides by more than is known here.",
          "Look for the device in pci_dev_acs_enabled of the guest's kernel.");
    }
    Isolation byCapability = byCapability(one, isFunction, name, evidence);
    return ruling == AcsExceptions.Ruling.MAY_EXCUSE && byCapability.verdict() == Verdict.FAIL
        ? new Isolation(
            Verdict.UNKNOWN,
            byCapability.explanation() + " Linux excepts some ports of this vendor.",
            "Look for the port in pci_dev_acs_enabled of the guest's kernel.")
        : byCapability;
  }

  private Isolation byCapability(
      LinuxFunction one, boolean isFunction, String name, List<Evidence> evidence) {
    return switch (one.portType()) {
      case -1 ->
          new Isolation(
              Verdict.FAIL,
              name + " has no PCI Express capability.",
              "Only PCI Express functions and ports may be on the path.");
      case LinuxFunction.EXPRESS_TO_PCI_BRIDGE,
          LinuxFunction.PCI_TO_EXPRESS_BRIDGE,
          LinuxFunction.EVENT_COLLECTOR ->
          new Isolation(
              Verdict.FAIL,
              name + " is a " + one.portTypeText() + ", which Linux never takes for isolated.",
              "Put the function on the root bus or below PCI Express ports only.");
      case LinuxFunction.ROOT_PORT, LinuxFunction.DOWNSTREAM_PORT ->
          controls(one, isFunction, name, evidence);
      case LinuxFunction.ENDPOINT,
          LinuxFunction.LEGACY_ENDPOINT,
          LinuxFunction.UPSTREAM_PORT,
          LinuxFunction.ROOT_COMPLEX_ENDPOINT -> {
        evidence.add(one.byteAt(Header.HEADER_TYPE, "Header Type"));
        yield one.hasMultiFunctionBit()
            ? controls(one, isFunction, name + ", part of a multi-function device,", evidence)
            : withoutMultiFunctionBit(one, isFunction, name, evidence);
      }
      default -> Isolation.pass(name + " is a " + one.portTypeText() + ", which Linux lets pass.");
    };
  }

  /// Linux also counts a function as one of several if its function number is not 0.
  private Isolation withoutMultiFunctionBit(
      LinuxFunction one, boolean isFunction, String name, List<Evidence> evidence) {
    if (isFunction && (number.isEmpty() || number.get() != 0)) {
      Isolation ifOneOfSeveral = controls(one, true, name + ", not function 0,", evidence);
      return number.isPresent() || ifOneOfSeveral.verdict() == Verdict.PASS
          ? ifOneOfSeveral
          : new Isolation(
              Verdict.UNKNOWN,
              name + " is a device of its own only if it is function 0 of its slot in the guest.",
              NAME_PORTS);
    }
    return Isolation.pass(name + " is the only function of its device.");
  }

  private Isolation controls(
      LinuxFunction one, boolean isFunction, String name, List<Evidence> evidence) {
    if (!isFunction && !one.config().isExtended()) {
      return new Isolation(
          Verdict.UNKNOWN,
          name + " is known by 256 bytes only, which leaves its ACS capability open.",
          "Capture the port with lspci -xxxx as root.");
    }
    ExtendedSearch acs = one.extendedCapability(LinuxFunction.ACS);
    if (!acs.found() || (isFunction && !walked)) {
      return new Isolation(
          Verdict.FAIL,
          name + " has no ACS capability.",
          isFunction
              ? "Give it to the guest as a device of its own: function 0, Header Type bit 7 clear (QEMU"
                  + " clears it unless multifunction=on)."
              : "Use a port with ACS, such as QEMU's pcie-root-port.");
    }
    int at = acs.offset() + ACS_REGISTERS;
    evidence.add(one.dwordAt(at, "ACS Capability and Control"));
    int advertised = one.u16(at) & WANTED;
    int set = one.u16(at + 2) & advertised;
    if (set == advertised) {
      return Isolation.pass(name + " has the ACS control bits set that it advertises.");
    }
    if (!isFunction) {
      return Isolation.pass(
          name + " has ACS, and the kernel sets the control bits that it advertises.");
    }
    return new Isolation(
        Verdict.FAIL,
        String.format(
            Locale.ROOT,
            "%s advertises ACS bits %02x of which %02x are not set, and vfio-pci drops what the kernel"
                + " writes there.",
            name,
            advertised,
            advertised & ~set),
        "Emulate the ACS control word, or give the function to the guest as a device of its own:"
            + " function 0, Header Type bit 7 clear (QEMU clears it unless multifunction=on).");
  }

  private static String upper(String text) {
    return Character.toUpperCase(text.charAt(0)) + text.substring(1);
  }
}
