package io.vpasid.guest.cli.vtd;

import io.vpasid.guest.config.DaemonConfig;
import io.vpasid.guest.config.FunctionConfig;
import io.vpasid.guest.config.IommuConfig;
import io.vpasid.pci.PciAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.json.JsonMapper;

/// A PC that QEMU makes, with a virtual IOMMU of a daemon and the functions behind it.
///
/// @param qemu the program
/// @param memory of the guest, in MiB
/// @param unit where the IOMMU's own function is
/// @param iommu the IOMMU
/// @param sockets those of the functions behind it, by name
/// @param dmar the ACPI table
/// @param more further arguments of QEMU
record QemuMachine(
    String qemu,
    int memory,
    PciAddress unit,
    IommuConfig iommu,
    Map<String, Path> sockets,
    Path dmar,
    List<String> more) {
  /// The devices that firmware leaves free on a q35's first bus.
  private static final int FIRST_FREE_DEVICE = 3;

  private static final int LAST_FREE_DEVICE = 0x1e;
  private static final int MESSAGE_TIMEOUT_MS = 60_000;
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_@%+=:,./-]+");
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /// Arguments, each followed by its value, without which firmware finds nothing to start.
  private static final Set<String> OF_KERNEL =
      Set.of("-kernel", "-initrd", "-append", "--kernel", "--initrd", "--append");

  QemuMachine {
    sockets = Map.copyOf(sockets);
    more = List.copyOf(more);
  }

  /// The sockets of the functions that an IOMMU covers.
  static Map<String, Path> socketsOf(DaemonConfig config, IommuConfig iommu) {
    Map<String, Path> sockets = new HashMap<>();
    for (FunctionConfig function : config.functions()) {
      if (iommu.covers().containsKey(function.name())) {
        sockets.put(function.name(), function.socket());
      }
    }
    return sockets;
  }

  /// The first place from 03.0 on whose device none of the functions has.
  static PciAddress freePlace(IommuConfig iommu) {
    for (int device = FIRST_FREE_DEVICE; device <= LAST_FREE_DEVICE; device++) {
      int candidate = device;
      if (iommu.covers().values().stream().noneMatch(place -> place.device() == candidate)) {
        return new PciAddress(0, 0, device, 0);
      }
    }
    throw new IllegalArgumentException("every device of the first bus is taken");
  }

  /// `04.0`.
  static String place(PciAddress place) {
    return "%02x.%d".formatted(place.device(), place.function());
  }

  /// The command that starts it.
  List<String> command() {
    List<String> command = base();
    command.addAll(more);
    return command;
  }

  /// The command that starts its firmware alone, with the same devices, which stops at once and
  /// waits for `socket` to tell it to go on. Nothing is written to its disks.
  List<String> firmwareCommand(Path socket) {
    List<String> command = base();
    for (int i = 0; i < more.size(); i++) {
      if (OF_KERNEL.contains(more.get(i))) {
        i++;
      } else {
        command.add(more.get(i));
      }
    }
    command.addAll(
        List.of(
            "-display",
            "none",
            "-serial",
            "none",
            "-snapshot",
            "-S",
            "-qmp",
            "unix:" + option(socket) + ",server=on,wait=off"));
    return command;
  }

  private List<String> base() {
    List<String> command =
        new ArrayList<>(
            List.of(
                qemu,
                "-machine",
                "q35",
                "-m",
                memory + "M",
                "-object",
                "memory-backend-memfd,id=ram,share=on,size=" + memory + "M",
                "-numa",
                "node,memdev=ram"));
    command.addAll(List.of("-device", device(iommu.socket(), unit)));
    iommu
        .covers()
        .forEach((name, place) ->
            command.addAll(
                List.of("-device", device(Objects.requireNonNull(sockets.get(name)), place))));
    command.addAll(List.of("-acpitable", "file=" + option(dmar)));
    return command;
  }

  private String device(Path socket, PciAddress place) {
    boolean hasOthers =
        Stream.concat(Stream.of(unit), iommu.covers().values().stream())
                .filter(other -> other.device() == place.device())
                .count()
            > 1;
    return """
    {"driver":"vfio-user-pci","socket":{"type":"unix","path":%s},"addr":"%s"%s,"x-msg-timeout":%s}\
    """
        .formatted(
            JSON.writeValueAsString(socket.toString()),
            place(place),
            hasOthers ? ",\"multifunction\":true" : "",
            MESSAGE_TIMEOUT_MS);
  }

  /// A path in an option of QEMU, which ends at a comma unless there are two.
  private static String option(Path path) {
    return path.toString().replace(",", ",,");
  }

  /// A command as a shell takes it, an option on each line.
  static String forShell(List<String> command) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < command.size(); i++) {
      String word = command.get(i);
      if (i > 0) {
        text.append(word.startsWith("-") ? " \\\n  " : " ");
      }
      text.append(PLAIN.matcher(word).matches() ? word : "'" + word.replace("'", "'\\''") + "'");
    }
    return text.toString();
  }
}
