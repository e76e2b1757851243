package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// In a folder with the files of a control group.
class TenantGroupsTest {
  @TempDir private Path own;

  private TenantGroups begun(String controllers) throws IOException {
    Files.writeString(own.resolve("cgroup.controllers"), controllers + "\n");
    TenantGroups groups = new TenantGroups(own);
    groups.begin(17);
    return groups;
  }

  @Test
  void theParentMakesRoomAndHasLimitsForThoseBelow() throws IOException {
    begun("memory");

    assertThat(own.resolve("parent/cgroup.procs")).hasContent("17");
    assertThat(own.resolve("cgroup.subtree_control")).hasContent("+memory");
  }

  @Test
  void controllersThatAreNotDelegatedAreNotAskedFor() throws IOException {
    begun("cpuset io");

    assertThat(own.resolve("cgroup.subtree_control")).doesNotExist();
  }

  @Test
  void aTenantHasItsLimitBeforeItsProcessIsIn() throws IOException {
    begun("cpu memory pids").add("acme", 18, Optional.of(1L << 28));

    assertThat(own.resolve("tenant-acme/memory.max")).hasContent("268435456");
    assertThat(own.resolve("tenant-acme/cgroup.procs")).hasContent("18");
  }

  @Test
  void aTenantWithoutLimitHasAGroupAllTheSame() throws IOException {
    begun("memory").add("acme", 18, Optional.empty());

    assertThat(own.resolve("tenant-acme/memory.max")).doesNotExist();
    assertThat(own.resolve("tenant-acme/cgroup.procs")).hasContent("18");
  }
}
