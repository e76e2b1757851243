package io.vpasid.guest.cli.plan;

import com.fasterxml.jackson.annotation.JsonIgnore;
import io.vpasid.guest.report.Hex;
import io.vpasid.guest.report.Json;
import io.vpasid.pci.ByteRange;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.PciId;
import io.vpasid.pci.capability.Anomaly;
import io.vpasid.pci.capability.Capability;
import io.vpasid.pci.capability.CapabilityChain;
import io.vpasid.pci.capability.CapabilityId;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.PasidCapability;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// Looks up the places that were planned from one capture of a device in its other captures: what
/// reads as 0 in one power state or on one machine may not in another.
///
/// Captures are of one device if vendor, device and class are the same. Of those with equal bytes
/// the first counts. Keeps the 4096 bytes of each, so a folder with 30,000 different functions
/// needs some 150 MB.
final class CrossCheck {
  /// Most places in use that are named.
  private static final int MAX_NAMED = 10;

  private record Device(PciId id, int classCode) {}

  private final Map<Device, Map<ConfigSpace, ScannedFunction>> captures = new LinkedHashMap<>();

  /// A place that is in use in another capture.
  ///
  /// @param crossCheck what speaks against it
  /// @param function whose place it is
  private record InUse(
      String crossCheck,
      PciId id,
      Hex offset,
      String file,
      int line,
      PciAddress function,
      String otherFile,
      int otherLine,
      PciAddress otherFunction,
      @JsonIgnore String text) {

    static InUse of(ScannedFunction planned, Hex offset, ScannedFunction other, String what) {
      return new InUse(
          what,
          planned.id(),
          offset,
          planned.file(),
          planned.line(),
          planned.function(),
          other.file(),
          other.line(),
          other.function(),
          planned.name() + " at " + offset + ": " + what + " in " + other.name());
    }
  }

  private final List<InUse> inUse = new ArrayList<>();
  private int devices;
  private int distinct;
  private int lookedUp;

  /// Keeps a capture if it tells something of the extended space.
  void add(ScannedFunction scanned, HostFunction function) {
    ConfigSpace config = function.config();
    if (config.isExtended()
        && config.headerLayout() == 0
        && CapabilityChain.walk(config).find(Anomaly.Kind.UNREADABLE).isEmpty()) {
      captures
          .computeIfAbsent(new Device(scanned.id(), config.classCode()), _ -> new LinkedHashMap<>())
          .putIfAbsent(config, scanned);
    }
  }

  /// Looks up every place in every other capture of the device.
  void look() {
    for (Map<ConfigSpace, ScannedFunction> device : captures.values()) {
      if (device.size() < 2) {
        continue;
      }
      devices++;
      distinct += device.size();
      Map<ConfigSpace, CapabilityChain> chains = new HashMap<>();
      device.keySet().forEach(config -> chains.put(config, CapabilityChain.walk(config)));
      for (ScannedFunction planned : device.values()) {
        if (planned.outcome() instanceof ScannedFunction.Outcome.Placed placed) {
          device.forEach((config, other) -> {
            if (!other.equals(planned)) {
              lookedUp++;
              Hex at = placed.vpasid().offset();
              against(at.value(), config, Objects.requireNonNull(chains.get(config)))
                  .ifPresent(what -> inUse.add(InUse.of(planned, at, other, what)));
            }
          });
        }
      }
    }
  }

  private static Optional<String> against(int offset, ConfigSpace config, CapabilityChain chain) {
    ByteRange range = new ByteRange(offset, PasidCapability.LENGTH);
    for (Capability capability : chain.extended()) {
      if (capability.extent().range().overlaps(range)) {
        boolean own = capability.id().equals(CapabilityId.PASID) && capability.offset() == offset;
        return own ? Optional.empty() : Optional.of("a capability, " + capability.id().mnemonic());
      }
    }
    return config.isZero(range) ? Optional.empty() : Optional.of("bytes that are not 0");
  }

  /// True if a place is in use in another capture.
  boolean found() {
    return !inUse.isEmpty();
  }

  void print(PrintWriter out) {
    out.printf("%nThe places planned from one capture, in other captures of the device:%n%n");
    out.printf("%8d  devices that were captured more than once%n", devices);
    out.printf("%8d  captures of them with different bytes%n", distinct);
    out.printf("%8d  places looked up%n", lookedUp);
    out.printf("%8d  in use%n", inUse.size());
    inUse.stream().limit(MAX_NAMED).forEach(place -> out.println("  " + place.text()));
    if (inUse.size() > MAX_NAMED) {
      out.printf("  and %d more; --json has them all%n", inUse.size() - MAX_NAMED);
    }
  }

  void printLines(PrintWriter out) {
    inUse.forEach(place -> Json.printLine(out, place));
  }
}
