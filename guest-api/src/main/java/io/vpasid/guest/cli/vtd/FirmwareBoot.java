package io.vpasid.guest.cli.vtd;

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
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Learns from a machine's firmware where it puts the registers of the IOMMU: it boots the machine
/// without a kernel, and asks its monitor. For the same devices it is always the same place.
final class FirmwareBoot {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final Duration LIMIT = Duration.ofMinutes(2);

  /// Between two questions; firmware has moved on by then.
  private static final long PAUSE_MS = 200;

  /// Most lines that are shown of what QEMU said.
  private static final int MAX_LINES = 8;

  private FirmwareBoot() {}

  /// The address of the first BAR of the machine's IOMMU.
  ///
  /// @throws IOException with a sentence, if QEMU cannot be started or ends, or if the firmware
  ///   places nothing
  static long addressOfRegisters(QemuMachine machine) throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory("vpasid-qemu");
    Path socket = folder.resolve("qmp.sock");
    Path said = folder.resolve("qemu.log");
    Process qemu = null;
    try {
      qemu = start(machine, socket, said);
      return ask(qemu, socket, machine.unit(), said);
    } finally {
      if (qemu != null) {
        qemu.destroyForcibly().waitFor();
      }
      Files.deleteIfExists(socket);
      Files.deleteIfExists(said);
      Files.deleteIfExists(folder);
    }
  }

  private static Process start(QemuMachine machine, Path socket, Path said) throws IOException {
    try {
      return new ProcessBuilder(machine.firmwareCommand(socket))
          .redirectErrorStream(true)
          .redirectOutput(said.toFile())
          .start();
    } catch (IOException e) {
      throw new IOException(
          "%s cannot be started; install QEMU 10.1 or newer, or name the program with --qemu (%s)"
              .formatted(machine.qemu(), e.getMessage()),
          e);
    }
  }

  private static long ask(Process qemu, Path socket, PciAddress unit, Path said)
      throws IOException, InterruptedException {
    long end = System.nanoTime() + LIMIT.toNanos();
    try (SocketChannel channel = connect(qemu, socket, said, end)) {
      BufferedReader in = new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
      Writer out = Channels.newWriter(channel, StandardCharsets.UTF_8);
      execute(in, out, "qmp_capabilities", qemu, said);
      execute(in, out, "cont", qemu, said);
      OptionalLong before = OptionalLong.empty();
      while (System.nanoTime() < end) {
        OptionalLong now = firstBar(execute(in, out, "query-pci", qemu, said), unit);
        // Twice the same: it is not in the middle of placing it.
        if (now.isPresent() && now.equals(before)) {
          return now.getAsLong();
        }
        before = now;
        if (qemu.waitFor(PAUSE_MS, TimeUnit.MILLISECONDS)) {
          throw ended(qemu, said);
        }
      }
    }
    throw new IOException(
        "the firmware has not placed the IOMMU's registers in " + LIMIT.toSeconds() + " seconds");
  }

  private static SocketChannel connect(Process qemu, Path socket, Path said, long end)
      throws IOException, InterruptedException {
    while (true) {
      SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
      try {
        channel.connect(UnixDomainSocketAddress.of(socket));
        return channel;
      } catch (IOException e) {
        channel.close();
        if (qemu.waitFor(PAUSE_MS, TimeUnit.MILLISECONDS)) {
          throw ended(qemu, said);
        }
        if (System.nanoTime() > end) {
          throw new IOException("QEMU does not make its monitor's socket", e);
        }
      }
    }
  }

  /// Asks the monitor something.
  private static JsonNode execute(
      BufferedReader in, Writer out, String command, Process qemu, Path said)
      throws IOException, InterruptedException {
    out.write("{\"execute\": \"" + command + "\"}\n");
    out.flush();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode answer = JSON.readTree(line);
      if (answer.has("return")) {
        return answer.path("return");
      }
      if (answer.has("error")) {
        throw new IOException(
            "QEMU refuses %s: %s"
                .formatted(
                    command, answer.path("error").path("desc").asString("it does not say why")));
      }
    }
    qemu.waitFor(PAUSE_MS, TimeUnit.MILLISECONDS);
    throw ended(qemu, said);
  }

  private static IOException ended(Process qemu, Path said) throws IOException {
    List<String> lines = Files.readString(said, StandardCharsets.ISO_8859_1).lines().toList();
    String text =
        String.join("\n", lines.subList(Math.max(0, lines.size() - MAX_LINES), lines.size()));
    String hint =
        text.contains("is not a valid device model name")
            ? "\nQEMU before 10.1 has no vfio-user-pci; name another with --qemu"
            : text.contains("onnect")
                ? "\nIs the daemon running that serves the sockets (vpasid serve CONFIG)?"
                : "";
    String code = qemu.isAlive() ? "" : " with exit code " + qemu.exitValue();
    return new IOException("QEMU has ended" + code + ":\n" + text + hint);
  }

  /// The first BAR of a function on the first bus; empty while it is not placed.
  static OptionalLong firstBar(JsonNode buses, PciAddress place) {
    for (JsonNode device : buses.path(0).path("devices")) {
      if (device.path("slot").asInt(-1) == place.device()
          && device.path("function").asInt(-1) == place.function()) {
        long address = device.path("regions").path(0).path("address").asLong(-1);
        return address > 0 ? OptionalLong.of(address) : OptionalLong.empty();
      }
    }
    return OptionalLong.empty();
  }
}
