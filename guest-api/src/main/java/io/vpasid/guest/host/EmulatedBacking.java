package io.vpasid.guest.host;

import io.vpasid.guest.config.FunctionDescription;
import io.vpasid.guest.device.FunctionDevice;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.quirk.FunctionKind;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.iommufd.HwptData;
import io.vpasid.vmm.iommufd.HwptId;
import io.vpasid.vmm.iommufd.IoasId;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.iommufd.simulated.SimulatedIommufd;
import io.vpasid.vmm.iommufd.simulated.SimulatedMapping;
import io.vpasid.vmm.iommufd.simulated.SimulatedPageTable;
import java.util.Optional;
import java.util.OptionalLong;

/// An emulated function on a simulated host: the one place where captured or described hardware, a
/// host, its iommufd and a [PassthroughFunction] are put together.
///
/// @param isAlone whether host and context are there for it alone
/// @param hardware the function as its host has it
public record EmulatedBacking(
    SimulatedHost host,
    boolean isAlone,
    HostFunction captured,
    SimulatedIommufd iommufd,
    PassthroughFunction function,
    EmulatedHardware hardware,
    FunctionDevice device)
    implements Backing {

  /// Puts a function on the usual simulated host, and binds it.
  ///
  /// @param reported what the host's IOMMU reports for it
  /// @throws io.vpasid.vmm.iommufd.IommufdException if it cannot be bound
  public static EmulatedBacking alone(
      FunctionDescription described, HardwareInfo reported, FunctionOptions options) {
    return alone(
        SimulatedHost.builder().build(), described, reported, options, BarPages.ofOneFunction());
  }

  /// Puts a function on a simulated host that it has for itself, and binds it.
  ///
  /// @param reported what the host's IOMMU reports for it
  /// @param pages what the memory of its BARs is taken from
  /// @throws io.vpasid.vmm.iommufd.IommufdException if it cannot be bound
  public static EmulatedBacking alone(
      SimulatedHost host,
      FunctionDescription described,
      HardwareInfo reported,
      FunctionOptions options,
      BarPages pages) {
    SimulatedIommufd iommufd = host.open();
    try {
      return open(host, true, iommufd, described, reported, options, pages);
    } catch (RuntimeException e) {
      iommufd.close();
      throw e;
    }
  }

  /// Puts a function on a `host` that has others too, and binds it.
  ///
  /// @param iommufd a context of the host
  /// @param reported what the host's IOMMU reports for it
  /// @param pages what the memory of its BARs is taken from
  /// @throws io.vpasid.vmm.iommufd.IommufdException if it cannot be bound; it is not there then
  public static EmulatedBacking open(
      SimulatedHost host,
      SimulatedIommufd iommufd,
      FunctionDescription described,
      HardwareInfo reported,
      FunctionOptions options,
      BarPages pages) {
    return open(host, false, iommufd, described, reported, options, pages);
  }

  private static EmulatedBacking open(
      SimulatedHost host,
      boolean isAlone,
      SimulatedIommufd iommufd,
      FunctionDescription described,
      HardwareInfo reported,
      FunctionOptions options,
      BarPages pages) {
    EmulatedHardware hardware =
        new EmulatedHardware(described, options.kind() == FunctionKind.VIRTUAL, pages);
    host.add(hardware.device(reported));
    try {
      PassthroughFunction function =
          PassthroughFunction.open(iommufd, described.address(), options);
      return new EmulatedBacking(
          host,
          isAlone,
          described.captured(),
          iommufd,
          function,
          hardware,
          new FunctionDevice(function, hardware));
    } catch (RuntimeException e) {
      host.remove(described.address());
      throw e;
    }
  }

  /// The number of PASIDs of the function that the simulated kernel has attached; it is asked, not
  /// we.
  public int attachedInKernel() {
    return host.attachedPasidCount(captured.address());
  }

  /// The end to which a page table of the simulated kernel leads.
  ///
  /// @param firstStage address of the guest's own page table, if it is nested; else empty
  /// @param mapped bytes that it maps, if it is not nested; else empty
  public record Reach(OptionalLong firstStage, OptionalLong mapped) {}

  /// The end to which a page table leads; the kernel is asked, not we.
  public Reach reach(HwptId pageTable) {
    SimulatedPageTable found = iommufd.pageTable(pageTable).orElse(null);
    if (found != null && found.data() instanceof HwptData.VtdS1 first) {
      return new Reach(OptionalLong.of(first.pageTableAddress()), OptionalLong.empty());
    }
    long mapped = 0;
    if (found != null && found.on() instanceof IoasId ioas) {
      for (SimulatedMapping mapping : iommufd.mappings(ioas)) {
        mapped += mapping.length();
      }
    }
    return new Reach(OptionalLong.empty(), OptionalLong.of(mapped));
  }

  /// The number of objects that the simulated kernel has of the context.
  public int objectsInKernel() {
    return iommufd.objects().size();
  }

  @Override
  public Optional<SimulatedHost> simulated() {
    return Optional.of(host);
  }

  @Override
  public Optional<IoasId> memory() {
    return Optional.empty();
  }

  @Override
  public void release() {
    host.remove(captured.address());
    if (isAlone) {
      iommufd.close();
    }
  }
}
