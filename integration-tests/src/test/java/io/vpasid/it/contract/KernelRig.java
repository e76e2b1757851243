package io.vpasid.it.contract;

import io.vpasid.vmm.iommufd.BackendOptions;
import io.vpasid.vmm.iommufd.IommufdBackend;
import io.vpasid.vmm.iommufd.kernel.KernelProvider;
import io.vpasid.vmm.iommufd.simulated.KernelVersion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/// The running kernel, whatever its devices are.
abstract class KernelRig extends ContractRig {
  private final String name;
  private final Map<String, String> cannot;
  private final Descriptors files = new Descriptors();

  /// @param cannot tests that these devices cannot show, each with the reason
  KernelRig(String name, Map<String, String> cannot) {
    this.name = name;
    this.cannot = cannot;
  }

  @Override
  final String name() {
    return name;
  }

  @Override
  final KernelVersion release() {
    try {
      String release = Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip();
      return KernelVersion.parse(release).orElseThrow(() -> new AssertionError(release));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  final Optional<String> cannot(String test) {
    return Optional.ofNullable(cannot.get(test));
  }

  @Override
  IommufdBackend open() {
    return new KernelProvider().open(BackendOptions.DEFAULTS);
  }

  @Override
  final int width() {
    return 20;
  }

  @Override
  final int foreignHwInfoType() {
    return 2;
  }

  @Override
  final Optional<Integer> ordinaryFile() {
    return Optional.of(files.open(Path.of("/dev/null")));
  }

  @Override
  final Optional<Integer> memfd() {
    return Optional.of(files.memoryFile());
  }

  @Override
  final Optional<Failing> failAllocation(int number, Runnable request) {
    return Optional.of(FailingAllocations.during(number, request));
  }

  @Override
  public void close() {
    files.close();
  }
}
