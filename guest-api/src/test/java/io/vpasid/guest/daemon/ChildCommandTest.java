package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.TenantConfig;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ChildCommandTest {
  private static final Path FILE = Path.of("/etc/vpasid/serve.json");

  private static ChildCommand installed() {
    return ChildCommand.of(
        "/usr/lib/vpasid/runtime/bin/java",
        List.of("-XX:AOTCache=v.aot", "-Xmx1g", "-jar", "v.jar", "serve", "x.json", "--isolate"),
        FILE);
  }

  @Test
  void optionsOfThisProcessAreKeptAndThoseOfTheChildCountMore() {
    List<String> words = installed().words(TenantConfig.usual("acme"), 3);

    assertThat(words)
        .startsWith("/usr/lib/vpasid/runtime/bin/java", "-XX:AOTCache=v.aot", "-Xmx1g")
        .endsWith("-Xmx51m", "-jar", "v.jar", "serve", "/etc/vpasid/serve.json", "--part");
  }

  @Test
  void classPathAndMainClassStayInFrontOfTheCommand() {
    ChildCommand command =
        ChildCommand.of("java", List.of("-ea", "-cp", "a:b", "Main", "serve", "x"), FILE);

    assertThat(command.words(TenantConfig.usual("acme"), 1))
        .startsWith("java", "-ea")
        .endsWith("-cp", "a:b", "Main", "serve", "/etc/vpasid/serve.json", "--part");
  }

  @Test
  void aTenantsUserGroupAndHeapAreThoseOfTheConfiguration() {
    TenantConfig tenant =
        new TenantConfig(
            "acme", Optional.of(64_055), Optional.of(7), Optional.of(32L << 20), Optional.empty());

    assertThat(installed().words(tenant, 1))
        .startsWith("setpriv", "--no-new-privs")
        .contains("--reuid=64055", "--regid=7", "-Xmx32m");
  }

  @Test
  void aProcessThatServesInAnotherWayCannotStartOthers() {
    assertThatExceptionOfType(InputException.class)
        .isThrownBy(() -> ChildCommand.of("java", List.of("-jar", "other.jar"), FILE))
        .withMessageContaining("--isolate");
  }
}
