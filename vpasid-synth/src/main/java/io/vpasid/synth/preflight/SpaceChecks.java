package io.vpasid.synth.preflight;

import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.Header;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// P3 to P10: how much configuration space Linux believes in, and how it walks it.
final class SpaceChecks {
  private static final String VIRTUAL =
      "Linux gives a virtual function 4096 bytes without looking, and uses its physical function's"
          + " PASID capability.";

  private final LinuxFunction function;
  private final Optional<List<LinuxFunction>> ports;
  private final ExtendedSearch search;

  SpaceChecks(LinuxFunction function, Optional<List<LinuxFunction>> ports, ExtendedSearch search) {
    this.function = function;
    this.ports = ports;
    this.search = search;
  }

  /// The same checks of a function that the guest knows as a virtual one: none applies.
  static List<Check> ofVirtualFunction() {
    return List.of(
        Check.notApplicable(CheckId.P3, VIRTUAL),
        Check.notApplicable(CheckId.P4, VIRTUAL),
        Check.notApplicable(CheckId.P5, VIRTUAL),
        Check.notApplicable(CheckId.P6, VIRTUAL),
        Check.notApplicable(CheckId.P7, VIRTUAL),
        Check.notApplicable(CheckId.P8, VIRTUAL),
        Check.notApplicable(CheckId.P9, VIRTUAL),
        Check.notApplicable(CheckId.P10, VIRTUAL));
  }

  /// The eight checks, in order.
  List<Check> all() {
    Check bridges = bridges();
    Check express = express();
    Check readable = readable();
    Check aliased = aliased();
    Optional<Check> small =
        List.of(bridges, express, readable, aliased).stream()
            .filter(c -> c.verdict() == Verdict.FAIL)
            .findFirst();
    return small
        .map(why -> {
          String reason =
              "Linux takes the space for one of 256 bytes (" + why.id() + "), and walks no list.";
          return List.of(
              bridges,
              express,
              readable,
              aliased,
              Check.fail(
                  CheckId.P7,
                  "Linux takes the space for one of 256 bytes and does not look for extended"
                      + " capabilities.",
                  "See " + why.id() + "."),
              Check.notApplicable(CheckId.P8, reason),
              Check.notApplicable(CheckId.P9, reason),
              Check.notApplicable(CheckId.P10, reason));
        })
        .orElseGet(() ->
            List.of(
                bridges,
                express,
                readable,
                aliased,
                limits(),
                cutShort(),
                allOnes(),
                placeholders()));
  }

  private Check bridges() {
    if (ports.isEmpty()) {
      return Check.unknown(
          CheckId.P3, "The virtual ports above the function are not known.", PathChecks.NAME_PORTS);
    }
    for (LinuxFunction port : ports.get().reversed()) {
      boolean passesOn =
          switch (port.portType()) {
            case LinuxFunction.ROOT_PORT,
                LinuxFunction.UPSTREAM_PORT,
                LinuxFunction.DOWNSTREAM_PORT ->
                true;
            default -> port.isPciXMode2();
          };
      if (!passesOn) {
        return Check.fail(
            CheckId.P3,
            "Below %s, a %s, Linux reads no extended space."
                .formatted(port.label(), port.portTypeText()),
            "Put the function on the root bus or below PCI Express ports only.",
            port.isExpress() ? port.expressFlags() : port.wordAt(Header.STATUS, "Status"));
      }
    }
    return Check.pass(
        CheckId.P3,
        ports.get().isEmpty()
            ? "The function is on the root bus."
            : "Only PCI Express ports, or PCI-X at 266 or 533 MHz, are above the function.");
  }

  private Check express() {
    if (function.isExpress()) {
      return Check.pass(
          CheckId.P4,
          String.format(
              Locale.ROOT, "The standard list leads to it at 0x%02x.", function.express()),
          function.expressFlags());
    }
    if (function.isHostBridge()) {
      return Check.pass(
          CheckId.P4,
          "There is none, but Linux lets host bridges have extended space without.",
          function.dwordAt(Header.REVISION_ID, "Revision ID and Class Code"));
    }
    if (function.isPciXMode2()) {
      return Check.pass(
          CheckId.P4,
          "There is none, but PCI-X at 266 or 533 MHz has extended space too.",
          function.dwordAt(function.standardCapability(LinuxFunction.PCI_X) + 4, "PCI-X Status"));
    }
    return Check.fail(
        CheckId.P4,
        "Linux finds no PCI Express capability in the standard list.",
        "Only PCI Express functions have PASIDs; if this is one, its standard list is broken or the"
            + " capture is.",
        function.wordAt(Header.STATUS, "Status"),
        function.byteAt(Header.CAPABILITIES_POINTER, "Capabilities Pointer"));
  }

  private Check readable() {
    if (!function.config().isExtended()) {
      return Check.fail(
          CheckId.P5,
          "The function has 256 bytes here.",
          "If the capture is cut off, take it with lspci -xxxx as root. A device that has no more"
              + " cannot have PASIDs.");
    }
    Evidence head = function.dwordAt(ConfigSpace.EXTENDED_START, "first extended header");
    if (function.u32(ConfigSpace.EXTENDED_START) == 0xffffffff) {
      return Check.fail(
          CheckId.P5,
          "The dword at 0x100 reads as all ones, so Linux takes the extended space for unreachable.",
          "Capture the device while it is powered up (state D0), and on a machine whose firmware"
              + " describes ECAM.",
          head);
    }
    return Check.unknown(
        CheckId.P5,
        "The function answers at 0x100; whether the guest's machine has ECAM to ask it is not in"
            + " configuration space.",
        "Use a machine with PCI Express, such as QEMU's q35; i440fx has no ECAM.",
        head);
  }

  private Check aliased() {
    if (!function.config().isExtended()) {
      return Check.notApplicable(CheckId.P6, "There are 256 bytes only.");
    }
    Evidence ids = function.dwordAt(Header.VENDOR_ID, "Vendor ID and Device ID");
    for (int at = ConfigSpace.EXTENDED_START;
        at < ConfigSpace.EXTENDED_SIZE;
        at += ConfigSpace.STANDARD_SIZE) {
      if (function.u32(at) != function.u32(Header.VENDOR_ID)) {
        return Check.pass(
            CheckId.P6,
            String.format(Locale.ROOT, "The dword at 0x%03x differs from the ids.", at),
            ids,
            function.dwordAt(at, "extended space"));
      }
    }
    return Check.fail(
        CheckId.P6,
        "The dword at every 0x100 repeats the ids, so Linux takes the space for 256 bytes.",
        "The device, or a bridge above it on the host, does not decode the extended space: try"
            + " another slot or firmware.",
        ids,
        function.dwordAt(ConfigSpace.EXTENDED_START, "the same again"));
  }

  private Check limits() {
    if (search.stop() == ExtendedSearch.Stop.LIMIT) {
      return Check.fail(
          CheckId.P7,
          String.format(
              Locale.ROOT,
              "After 480 headers the walk gives up at 0x%03x and has not found the PASID capability:"
                  + " the list is a loop.",
              search.last()),
          "Let the guest see a list that ends: link the PASID capability in front of the pointer that"
              + " leads back, or end the list there.",
          last("last header of the walk"));
    }
    return Check.pass(CheckId.P7, "The walk needs " + headers() + " of at most 480 headers.");
  }

  private Check cutShort() {
    return switch (search.stop()) {
      case ZERO_HEADER ->
          Check.fail(
              CheckId.P8,
              search.last() == ConfigSpace.EXTENDED_START
                  ? "The dword at 0x100 is 0: Linux sees no extended capability at all."
                  : String.format(
                      Locale.ROOT,
                      "The list leads to zeros at 0x%03x and ends there.",
                      search.last()),
              "Serve a header at "
                  + String.format(Locale.ROOT, "0x%03x", search.last())
                  + ", at the least one with id 0, version 0 and a pointer to the PASID capability.",
              last("header of zeros"));
      case POINTER_BELOW ->
          Check.fail(
              CheckId.P8,
              String.format(
                  Locale.ROOT,
                  "The header at 0x%03x points to 0x%03x, below the extended space; the walk ends"
                      + " there.",
                  search.last(),
                  search.header() >>> 20 & 0xffc),
              "Serve that header with a pointer to the PASID capability.",
              last("last header of the walk"));
      case FOUND ->
          Check.pass(CheckId.P8, "Nothing ends the walk before it reaches the PASID capability.");
      case END ->
          Check.pass(
              CheckId.P8,
              "The list ends as it should, with a next pointer of 0.",
              last("last header of the walk"));
      case LIMIT -> Check.pass(CheckId.P8, "Nothing ends the walk; see P7.");
    };
  }

  private Check allOnes() {
    if (search.allOnes() == 0) {
      return Check.pass(CheckId.P9, "The walk meets none.");
    }
    Evidence header = function.dwordAt(search.allOnes(), "header of all ones");
    return search.found()
        ? Check.pass(
            CheckId.P9, "The walk meets one, and still finds the PASID capability.", header)
        : Check.fail(
            CheckId.P9,
            String.format(
                Locale.ROOT,
                "The header at 0x%03x reads as all ones, and the walk does not come back from it.",
                search.allOnes()),
            "Serve the header that leads there with another pointer.",
            header);
  }

  private Check placeholders() {
    return search.placeholder() == 0
        ? Check.notApplicable(CheckId.P10, "There is no placeholder in the list.")
        : Check.pass(
            CheckId.P10,
            "The walk goes through it.",
            function.dwordAt(search.placeholder(), "placeholder"));
  }

  private String headers() {
    return Integer.toString(search.headers());
  }

  private Evidence last(String what) {
    return function.dwordAt(search.last(), what);
  }
}
