package io.vpasid.guest.daemon;

import io.vpasid.guest.config.FunctionConfig;
import io.vpasid.guest.config.FunctionDescription;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.Limits;
import io.vpasid.guest.host.Backing;
import io.vpasid.guest.host.BarPages;
import io.vpasid.guest.host.EmulatedBacking;
import io.vpasid.guest.host.VfioBacking;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.quirk.QuirkTable;
import io.vpasid.vmm.FunctionOptions;
import io.vpasid.vmm.iommufd.BackendOptions;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.kernel.KernelProvider;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.iommufd.simulated.SimulatedIommufd;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The hosts of a daemon's functions: a simulated one that emulated functions share, one of its own
/// for each that asks for it, and this machine for those that VFIO passes through. Used by the
/// worker.
final class FunctionHosts implements AutoCloseable {
  private final SimulatedHost shared = SimulatedHost.builder().build();
  private final SimulatedIommufd simulated = shared.open();
  private final BarPages barPages;
  private @Nullable IommufdBackend kernel;

  FunctionHosts(Limits limits) {
    barPages = BarPages.ofBytes(limits.get(Limits.BARS), limits.get(Limits.FUNCTION_BARS));
  }

  /// Puts a function on its host.
  ///
  /// @throws io.vpasid.vmm.iommufd.IommufdException if the host refuses it; nothing is left
  /// @throws InputException if this machine has no host for it
  Backing open(FunctionConfig wanted, FunctionDescription described, QuirkTable quirks) {
    FunctionOptions options = wanted.options(described.captured(), quirks);
    if (wanted.passthrough()) {
      return VfioBacking.open(kernel(), described.captured(), options);
    }
    HardwareInfo reported = wanted.hardware();
    return wanted.ownHost().isPresent()
        ? EmulatedBacking.alone(
            wanted.ownHost().get().build(), described, reported, options, barPages)
        : EmulatedBacking.open(shared, simulated, described, reported, options, barPages);
  }

  /// The context of the kernel, opened when the first function needs it.
  private IommufdBackend kernel() {
    IommufdBackend open = kernel;
    if (open == null) {
      KernelProvider provider = new KernelProvider();
      Optional<String> obstacle = provider.obstacle();
      if (obstacle.isPresent()) {
        throw new InputException("no function can be passed through: " + obstacle.get());
      }
      open = provider.open(BackendOptions.DEFAULTS);
      kernel = open;
    }
    return open;
  }

  /// Bytes that guests have written to the BARs of emulated functions. For any thread.
  long barBytes() {
    return barPages.bytesInUse();
  }

  /// Closes the contexts, when no function is left on them.
  @Override
  public void close() {
    simulated.close();
    if (kernel != null) {
      kernel.close();
    }
  }
}
