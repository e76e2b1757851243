package io.vpasid.guest.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.config.LogStyle;
import io.vpasid.guest.config.TenantPart.Kind;
import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.control.ControlTarget.Client;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What goes with a client, and in which order.
class BelongingsTest {
  private final DaemonLog log =
      DaemonLog.to(OutputStream.nullOutputStream(), LogStyle.DEFAULT, false);
  private final Belongings belongings = new Belongings(log);
  private final Client client = () -> true;
  private final List<String> deleted = new ArrayList<>();

  @AfterEach
  void end() {
    log.close();
  }

  private void add(Client by, Kind kind, String name) {
    belongings.add(by, kind, name, () -> deleted.add(name));
  }

  @Test
  void whatIsInUseGoesAfterWhatUsesIt() {
    add(client, Kind.FUNCTION, "dsa");
    add(client, Kind.ADDRESS_SPACE, "shell");
    add(client, Kind.IOMMU, "vtd");
    add(client, Kind.FUNCTION, "nic");

    belongings.delete(client);

    assertThat(deleted).containsExactly("vtd", "dsa", "nic", "shell");
  }

  @Test
  void whatIsDeletedAlreadyOrAnothersIsLeftAlone() {
    add(client, Kind.FUNCTION, "dsa");
    add(client, Kind.FUNCTION, "nic");
    belongings.deleted(Kind.FUNCTION, "dsa");
    belongings.deleted(Kind.IOMMU, "nic");
    add(() -> true, Kind.FUNCTION, "gpu");
    add(() -> false, Kind.FUNCTION, "nvme");

    belongings.delete(client);

    assertThat(deleted).containsExactly("nic");
  }

  @Test
  void anothersOfTheSameNameIsNotTaken() {
    Client other = () -> true;
    add(client, Kind.FUNCTION, "dsa");
    belongings.deleted(Kind.FUNCTION, "dsa");
    add(other, Kind.FUNCTION, "dsa");

    belongings.delete(client);

    assertThat(deleted).isEmpty();
    belongings.delete(other);
    assertThat(deleted).containsExactly("dsa");
  }

  @Test
  void whatOthersUseStaysAndTheRestGoes() {
    belongings.add(
        client,
        Kind.FUNCTION,
        "dsa",
        () -> {
          throw ControlException.generic("it is in use");
        });
    add(client, Kind.ADDRESS_SPACE, "shell");

    belongings.delete(client);
    belongings.delete(client);

    assertThat(deleted).containsExactly("shell");
  }
}
