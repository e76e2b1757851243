package io.vpasid.vmm.linux.calls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import io.vpasid.testing.InstalledTool;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The structures and numbers against a C compiler and the headers of a Linux of 7.3 or so: those
/// in `/usr/include`, or those that `vpasid.kernel.headers` or VPASID_KERNEL_HEADERS names.
class UapiProbeTest {
  private static final List<String> OLD_REQUESTS =
      List.of("VFIO_DEVICE_PASID_ATTACH_IOMMUFD_PT", "VFIO_DEVICE_PASID_DETACH_IOMMUFD_PT");

  @Needs(Need.GCC)
  @Test
  void compilerAgreesOnEveryOffsetSizeAndNumber(@TempDir Path folder) throws Exception {
    Path headers = headers();
    List<String> expected = new ArrayList<>();
    StringBuilder c = new StringBuilder();
    for (Struct struct : Structs.all()) {
      if (!struct.name().startsWith("vfio_device_pasid_")) {
        expected.add(struct.name() + " " + struct.size());
        c.append(print(struct.name(), "sizeof(struct %s)".formatted(struct.name())));
        for (var member : struct.layout().memberLayouts()) {
          String name = member.name().orElseThrow();
          Field field = struct.field(name);
          expected.add(struct.name() + "." + name + " " + field.offset());
          c.append(
              print(
                  struct.name() + "." + name,
                  "__builtin_offsetof(struct %s, %s)".formatted(struct.name(), name)));
        }
      }
    }
    for (IoctlRequest request : Structs.requests()) {
      if (!OLD_REQUESTS.contains(request.name())) {
        expected.add(request.name() + " " + request.number());
        c.append(print(request.name(), request.name()));
      }
    }

    assertThat(run(headers, folder, c.toString())).containsExactlyElementsOf(expected);
  }

  private static String print(String name, String value) {
    return "  printf(\"%s %%lu\\n\", (unsigned long)%s);%n".formatted(name, value);
  }

  private static List<String> run(Path headers, Path folder, String body) throws Exception {
    Path source = folder.resolve("probe.c");
    Path program = folder.resolve("probe");
    Files.writeString(
        source,
        """
        #include <stdio.h>
        #include <linux/iommufd.h>
        #include <linux/vfio.h>
        int main(void) {
        %s  return 0;
        }
        """
            .formatted(body));
    String compiled =
        InstalledTool.run(
            "gcc",
            "-isystem",
            headers.toString(),
            "-isystem",
            headers.resolve("x86_64-linux-gnu").toString(),
            "-o",
            program.toString(),
            source.toString());
    assertThat(compiled).isEmpty();
    return output(program.toString()).lines().toList();
  }

  private static String output(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return output;
  }

  private static Path headers() throws IOException {
    List<Path> places = new ArrayList<>();
    try (DirectoryStream<Path> trees = Files.newDirectoryStream(machine(), "qemu-*")) {
      trees.forEach(tree -> places.add(tree.resolve("usr/include")));
    } catch (NoSuchFileException _) {
      // no such machine here
    }
    places.add(Path.of("/usr/include"));
    for (Path headers : places) {
      Path header = headers.resolve("linux/iommufd.h");
      if (Files.exists(header) && Files.readString(header).contains("iommu_hw_info_amd")) {
        return headers;
      }
    }
    return abort("needs headers of Linux 7.3 (integration-tests/real-kernel/prepare)");
  }

  /// Where `integration-tests/real-kernel/prepare` makes its machine.
  private static Path machine() {
    String cache = System.getenv("XDG_CACHE_HOME");
    Path root =
        cache == null || cache.isEmpty()
            ? Path.of(System.getProperty("user.home"), ".cache")
            : Path.of(cache);
    return root.resolve("vpasid/real-kernel");
  }
}
