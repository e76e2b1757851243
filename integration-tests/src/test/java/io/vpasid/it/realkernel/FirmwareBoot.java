package io.vpasid.it.realkernel;

import io.vpasid.guest.iommu.DmarTable;
import io.vpasid.pci.PciAddress;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A [GuestMachine] that has firmware only, to learn where that puts things: for the same functions
/// it is always the same place.
final class FirmwareBoot {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private FirmwareBoot() {}

  /// The same machine with an IOMMU that is one of its functions, which the firmware's table leads
  /// to.
  ///
  /// @param unit the IOMMU's place, such as `03.0`
  /// @param covered addresses of the functions behind it
  /// @param folder gets the table, and what the machine writes
  static GuestMachine.Setup withUnit(
      MachineParts parts,
      GuestMachine.Setup setup,
      String unit,
      List<PciAddress> covered,
      Path folder)
      throws IOException {
    Path table = Files.createDirectories(folder).resolve("dmar.bin");
    GuestMachine.Setup with = setup.withIommu(table);
    // There has to be one, as it takes room.
    Files.write(table, DmarTable.of(1L << 31, covered));
    long base = addressOfBar(parts, with, unit, folder.resolve("firmware"));
    Files.write(table, DmarTable.of(base, covered));
    return with;
  }

  /// Where the firmware puts the first BAR of a function.
  ///
  /// @param place such as `03.0`
  /// @param folder gets what the machine writes
  static long addressOfBar(MachineParts parts, GuestMachine.Setup setup, String place, Path folder)
      throws IOException {
    Files.createDirectories(folder);
    Path socket = Files.createTempDirectory("vpasid-qmp").resolve("qmp.sock");
    List<String> command =
        new ArrayList<>(GuestMachine.command(parts, setup, folder, Path.of("none")));
    command.subList(command.indexOf("-kernel"), command.size()).clear();
    command.addAll(List.of("-qmp", "unix:" + socket + ",server=on,wait=off", "-S"));
    Process qemu =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectError(folder.resolve("qemu.log").toFile())
            .start();
    try (SocketChannel channel = connect(socket, qemu)) {
      BufferedReader in = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
      Writer out = Channels.newWriter(channel, StandardCharsets.UTF_8);
      ask(in, out, "qmp_capabilities");
      ask(in, out, "cont");
      while (true) {
        OptionalLong address =
            addressOfBar(
                ask(in, out, "query-pci"),
                Integer.parseInt(place.substring(0, place.indexOf('.')), 16));
        if (address.isPresent()) {
          return address.getAsLong();
        }
      }
    } finally {
      qemu.descendants().forEach(ProcessHandle::destroyForcibly);
      qemu.destroyForcibly().onExit().join();
      Files.deleteIfExists(socket);
      Files.deleteIfExists(socket.getParent());
    }
  }

  @SuppressWarnings("ThreadPriorityCheck") // QEMU makes the socket a moment after its start
  private static SocketChannel connect(Path socket, Process qemu) throws IOException {
    while (true) {
      SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
      try {
        channel.connect(UnixDomainSocketAddress.of(socket));
        return channel;
      } catch (IOException e) {
        channel.close();
        if (!qemu.isAlive()) {
          throw e;
        }
        Thread.yield();
      }
    }
  }

  /// @return what the command returns
  private static JsonNode ask(BufferedReader in, Writer out, String command) throws IOException {
    out.write("{\"execute\": \"" + command + "\"}\n");
    out.flush();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode answer = JSON.readTree(line);
      if (answer.has("return")) {
        return answer.get("return");
      }
      if (answer.has("error")) {
        throw new IOException(command + ": " + line);
      }
    }
    throw new IOException("QEMU has ended.");
  }

  private static OptionalLong addressOfBar(JsonNode buses, int slot) {
    for (JsonNode device : buses.get(0).get("devices")) {
      JsonNode regions = device.get("regions");
      if (device.get("slot").asInt() == slot && !regions.isEmpty()) {
        long address = regions.get(0).get("address").asLong();
        return address > 0 ? OptionalLong.of(address) : OptionalLong.empty();
      }
    }
    return OptionalLong.empty();
  }
}
