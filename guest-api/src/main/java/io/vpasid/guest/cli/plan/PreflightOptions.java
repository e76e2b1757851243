package io.vpasid.guest.cli.plan;

import io.vpasid.guest.config.FunctionSource;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.report.QemuDevice;
import io.vpasid.pci.ConfigSpace;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.SynthesisResult;
import io.vpasid.synth.preflight.CheckId;
import io.vpasid.synth.preflight.GuestPlace;
import io.vpasid.synth.preflight.IommuRegisters;
import io.vpasid.synth.preflight.Preflight;
import io.vpasid.synth.preflight.PreflightRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/// The options that tell of the guest that will have the function, for the checks that it makes
/// before it enables PASIDs.
final class PreflightOptions {
  private static final String NONE = "none";
  private static final Pattern FILE_AND_ADDRESS =
      Pattern.compile("(.+?):((?:[0-9a-fA-F]{1,8}:)?[0-9a-fA-F]{1,2}:[0-9a-fA-F]{1,2}\\.[0-7])");
  private static final int BRIDGE = 1;

  @Option(
      names = "--port",
      paramLabel = "FILE[:ADDRESS]",
      description =
          "The dump of a virtual port above the function in the guest. Once for each: the one next"
              + " to the function first, the one on the root bus last. none: the function is on the"
              + " root bus.")
  private List<String> ports = List.of();

  @Option(
      names = "--viommu",
      paramLabel = "REGISTERS",
      converter = RegistersConverter.class,
      description =
          "The registers of the guest's Intel IOMMU, cap=HEX,ecap=HEX, as a running guest has them"
              + " in /sys/class/iommu/dmar0/intel-iommu.")
  private Optional<IommuRegisters> iommu = Optional.empty();

  @Option(
      names = "--assume",
      paramLabel = "CHECKS",
      split = ",",
      converter = CheckIdConverter.class,
      description =
          "Checks to take for granted where nothing given decides them, as in P1,P2 for a guest"
              + " whose kernel has scalable mode.")
  private List<CheckId> assumed = List.of();

  @Option(
      names = "--preflight",
      description =
          "Print all checks that a Linux guest makes before it enables PASIDs, not just those that"
              + " fail or are open.")
  private boolean all;

  /// True if all checks are asked for.
  boolean all() {
    return all;
  }

  /// Makes the checks of a function, given what was asked and what came of it.
  ///
  /// @param where the place in the guest, as [#place] reads it
  Preflight of(SynthesisRequest request, SynthesisResult result, Optional<GuestPlace> where) {
    return of(result.guestView(request), request, where);
  }

  /// The same where QEMU's `vfio-pci` passes the function through.
  Preflight inQemu(SynthesisRequest request, SynthesisResult result, Optional<GuestPlace> where) {
    ConfigSpace view = result.guestView(request);
    boolean onRootBus = where.filter(place -> place.ports().isEmpty()).isPresent();
    return of(onRootBus ? QemuDevice.onRootBus(view) : view, request, where);
  }

  private Preflight of(ConfigSpace view, SynthesisRequest request, Optional<GuestPlace> where) {
    PreflightRequest preflight = PreflightRequest.of(view, request.kind(), request.hardware());
    preflight = where.map(preflight::at).orElse(preflight);
    preflight = iommu.map(preflight::behind).orElse(preflight);
    return Preflight.of(preflight.assuming(Set.copyOf(assumed)));
  }

  /// Reads the dumps that `--port` names; empty if it is not there.
  ///
  /// @throws InputException if one of them does not say which port is meant, or names none
  Optional<GuestPlace> place() {
    if (ports.isEmpty()) {
      return Optional.empty();
    }
    if (ports.equals(List.of(NONE))) {
      return Optional.of(GuestPlace.onRootBus());
    }
    List<ConfigSpace> spaces = new ArrayList<>();
    for (String port : ports) {
      if (port.equals(NONE)) {
        throw new InputException("--port none says that there is no port: leave out the others");
      }
      spaces.add(readPort(port));
    }
    return Optional.of(GuestPlace.below(spaces));
  }

  private static ConfigSpace readPort(String text) {
    Matcher m = FILE_AND_ADDRESS.matcher(text);
    boolean named = !Files.exists(Path.of(text)) && m.matches();
    String file = named ? m.group(1) : text;
    HostFunction port =
        new FunctionSource()
            .read(file)
            .only(
                file,
                named ? PciAddress.parse(m.group(2)) : Optional.empty(),
                "--port FILE:ADDRESS")
            .captured();
    if (port.config().headerLayout() != BRIDGE) {
      throw new InputException(
          "--port " + text + ": " + port.id() + " is no bridge: its header is not of type 1");
    }
    return port.config();
  }

  static final class RegistersConverter implements ITypeConverter<IommuRegisters> {
    @Override
    public IommuRegisters convert(String text) {
      try {
        return IommuRegisters.parse(text);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }

  static final class CheckIdConverter implements ITypeConverter<CheckId> {
    private static final Set<String> IDS =
        Set.of(CheckId.values()).stream().map(CheckId::name).collect(Collectors.toSet());

    @Override
    public CheckId convert(String text) {
      String id = text.strip().toUpperCase(Locale.ROOT);
      if (IDS.contains(id)) {
        return CheckId.valueOf(id);
      }
      throw new TypeConversionException("'" + text + "' is no check: write P1 to P25");
    }
  }
}
