package io.vpasid.guest.scenario;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Writes scenario files for tests.
final class ScenarioFile {
  /// A dump that the project ships, with the own PASID capability of the function at 0x160.
  static final Path ACCELERATOR =
      Path.of("../scenarios/functions/accelerator.txt").toAbsolutePath().normalize();

  private ScenarioFile() {}

  /// A whole file.
  static Path write(Path folder, String text) {
    try {
      return Files.writeString(folder.resolve("test.json"), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// A scenario on the accelerator whose steps start in line 4.
  static Path withSteps(Path folder, String steps) {
    return write(
        folder,
        """
        { "format": 1, "title": "t",
          "function": "%s",
          "steps": [
        %s ] }
        """
            .formatted(ACCELERATOR, steps));
  }

  /// A scenario of a guest with an IOMMU that it has switched on, and of a function with a DMA
  /// engine; its further steps start in line 6.
  static Path withIommuSteps(Path folder, String mode, String steps) {
    return write(
        folder,
        """
        { "format": 1, "title": "t",
          "function": "%s", "vmm": { "iommu": "%s" },
          "steps": [
          { "iommuEnable": { } },
          { "enable": { } },
        %s ] }
        """
            .formatted(ACCELERATOR.resolveSibling("dma-engine.json"), mode, steps));
  }
}
