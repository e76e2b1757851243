package io.vpasid.it.endurance;

import static io.vpasid.vmm.vfio.PciIndex.CONFIG_REGION;

import io.vpasid.guest.cli.Main;
import io.vpasid.guest.control.ControlClient;
import io.vpasid.guest.control.ControlException;
import io.vpasid.guest.vfiouser.VfioUserClient;
import io.vpasid.guest.vfiouser.VfioUserException;
import io.vpasid.it.isolation.Calls;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// What is done to the daemon over and over, each by a thread of its own, on a function of its own.
/// Whatever a request comes to that is a client's own fault is no failure; a daemon that hangs up
/// on a polite client, or a command that should be done and is refused, is one.
enum Work {
  /// A guest that enables PASIDs and has some attached, shares memory and goes, at times without
  /// taking anything back.
  GUEST {
    @Override
    void once(Life life, Random random) throws IOException {
      try (VfioUserClient client = life.client(1);
          ControlClient control = life.controller()) {
        for (int offset = 0; offset < 256; offset += 4) {
          client.read(CONFIG_REGION, offset, 4);
        }
        client.write(CONFIG_REGION, life.vpasid(1) + 6, bytes(2, 1));
        for (int pasid = 1; pasid <= 20; pasid++) {
          control.execute(
              "pasid-attach",
              Map.of("function", "f1", "pasid", Integer.toString(pasid), "space", "shared"));
        }
        for (long window = 0; window < 8; window++) {
          client.shareDma(window << 20, 1 << 20, Calls.memoryFile(1 << 20, true));
        }
        client.mapDma(1L << 32, ByteBuffer.allocate(1 << 16));
        if (random.nextBoolean()) {
          client.unmapDma(1L << 20, 1 << 20);
          client.unmapDma(1L << 32, 1 << 16);
          control.execute("pasid-detach", Map.of("function", "f1", "pasid", "3"));
        }
      }
    }
  },

  /// Resets of the device by its client, by a function-level reset, and by the host.
  RESETS {
    @Override
    void once(Life life, Random random) throws IOException {
      try (VfioUserClient client = life.client(2);
          ControlClient control = life.controller()) {
        int express = capability(client, 0x10);
        for (int i = 0; i < 10; i++) {
          client.reset();
          client.write(CONFIG_REGION, express + 8, bytes(2, 0x8000));
          control.execute("function-reset", Map.of("function", "f2"));
        }
      }
    }
  },

  /// Frames that are none, frames that lie about their length, and requests of any content; most
  /// after a version was agreed on.
  HOSTILE_FRAMES {
    @Override
    void once(Life life, Random random) throws IOException {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      if (random.nextInt(4) != 0) {
        byte[] version =
            "\0\0\0\0{\"capabilities\":{\"max_msg_fds\":1}}\0".getBytes(StandardCharsets.UTF_8);
        bytes.writeBytes(frame(1, HEADER + version.length, 0, version));
      }
      for (int i = 0; i < 20; i++) {
        byte[] content = new byte[random.nextInt(256)];
        random.nextBytes(content);
        boolean lies = random.nextInt(40) == 0;
        bytes.writeBytes(
            frame(
                random.nextInt(17),
                lies ? random.nextInt() : HEADER + content.length,
                random.nextInt(8) == 0 ? random.nextInt() : 0,
                content));
      }
      throwAt(life.socket(3), bytes.toByteArray());
    }
  },

  /// A guest that writes anything anywhere.
  HOSTILE_WRITES {
    @Override
    void once(Life life, Random random) throws IOException {
      try (VfioUserClient client = life.client(4)) {
        for (int i = 0; i < 300; i++) {
          try {
            int region = random.nextInt(10);
            long offset = random.nextInt(8) == 0 ? random.nextLong() : random.nextInt(1 << 16);
            client.write(region, offset, bytes(1 << random.nextInt(4), random.nextLong()));
          } catch (VfioUserException _) {
            // Refused, as many of these have to be.
          }
        }
      }
    }
  },

  /// Every question, and every change with its undoing.
  COMMANDS {
    @Override
    void once(Life life, Random random) throws IOException {
      try (ControlClient control = life.controller()) {
        for (String query :
            List.of(
                "query-version",
                "query-commands",
                "query-functions",
                "query-attachments",
                "query-limits",
                "query-metrics",
                "query-iommus",
                "address-space-list")) {
          control.execute(query, Map.of());
        }
        control.execute("query-function", Map.of("function", "f5"));
        control.execute("config-read", Map.of("function", "f5", "offset", "0"));
        control.execute("config-write", Map.of("function", "f5", "offset", "4", "value", "6"));
        control.execute("address-space-add", Map.of("name", "short"));
        refused(control, "address-space-add", Map.of("name", "short"));
        refused(control, "config-read", Map.of("function", "nobody", "offset", "0"));
        control.execute("address-space-del", Map.of("space", "short"));
      }
    }
  },

  /// A function comes, has a client and attachments, and goes.
  FUNCTIONS {
    @Override
    void once(Life life, Random random) throws IOException {
      String name = "more";
      try (ControlClient control = life.controller()) {
        control.execute(
            "function-add",
            Map.of(
                "name",
                name,
                "source",
                "function.json",
                "socket",
                name + ".sock",
                "iommu",
                "intel",
                "attachBeforeEnable",
                "true"));
        control.execute("pasid-attach", Map.of("function", name, "pasid", "7", "space", "shared"));
        try (VfioUserClient client =
            VfioUserClient.connect(
                life.control().resolveSibling(name + ".sock"),
                VfioUserClient.Options.defaults().withTimeout(Life.PATIENCE))) {
          client.read(CONFIG_REGION, 0, 4);
          control.execute("function-del", Map.of("function", name));
        }
      }
    }
  },

  /// The quirk files are read again, by the command and by the signal.
  RELOADS {
    @Override
    void once(Life life, Random random) throws IOException {
      try (ControlClient control = life.controller()) {
        control.execute("quirks-reload", Map.of());
      }
      new ProcessBuilder("kill", "-HUP", Long.toString(life.process().pid()))
          .inheritIO()
          .start()
          .onExit()
          .join();
    }
  },

  /// Lines on the control socket that are no commands.
  HOSTILE_LINES {
    @Override
    void once(Life life, Random random) throws IOException {
      byte[] noise = new byte[random.nextInt(2000)];
      random.nextBytes(noise);
      String line =
          switch (random.nextInt(3)) {
            case 0 -> "{\"execute\":\"qmp_capabilities\"}{\"execute\":\"function-add\"}\n";
            case 1 -> "[".repeat(random.nextInt(5000));
            default -> new String(noise, StandardCharsets.ISO_8859_1) + "\n";
          };
      throwAt(life.control(), line.getBytes(StandardCharsets.UTF_8));
    }
  },

  /// Guests of the scenario library, each with a function that is added for it.
  SCENARIOS {
    @Override
    void once(Life life, Random random) throws IOException {
      List<String> some =
          List.of("function-level-reset", "hostile-guest", "quota", "unplug", "sva", "amd");
      String scenario = some.get(random.nextInt(some.size()));
      StringWriter said = new StringWriter();
      PrintWriter out = new PrintWriter(said);
      int code =
          Main.run(
              out,
              out,
              "run",
              Path.of(System.getProperty("basedir", ""), "..", "scenarios", scenario + ".json")
                  .toString(),
              "--connect",
              life.control().toString());
      if (code != 0) {
        throw new IOException("Scenario " + scenario + " ended with " + code + ": " + said);
      }
    }
  };

  /// How many functions the daemon has for all, f0 being the neighbour's.
  static final int FUNCTIONS_SERVED = 6;

  private static final int HEADER = 16;

  /// Does it once.
  ///
  /// @throws IOException if it was not as it has to be, or the daemon has ended
  abstract void once(Life life, Random random) throws IOException;

  private static void refused(ControlClient control, String command, Map<String, String> arguments)
      throws IOException {
    try {
      control.execute(command, arguments);
    } catch (ControlException _) {
      return;
    }
    throw new IOException(command + " " + arguments + " was not refused");
  }

  private static byte[] frame(int command, int length, int flags, byte[] content) {
    return ByteBuffer.allocate(HEADER + content.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putShort((short) 1)
        .putShort((short) command)
        .putInt(length)
        .putInt(flags)
        .putInt(0)
        .put(content)
        .array();
  }

  /// Sends bytes, and reads what there is to read until the daemon hangs up.
  private static void throwAt(Path socket, byte[] bytes) throws IOException {
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      channel.connect(UnixDomainSocketAddress.of(socket));
      ByteBuffer answer = ByteBuffer.allocate(1 << 16);
      try {
        channel.write(ByteBuffer.wrap(bytes));
        channel.shutdownOutput();
        while (channel.read(answer.clear()) >= 0) {
          // It answers, or refuses.
        }
      } catch (IOException _) {
        // It has hung up before, which is its right.
      }
    }
  }

  private static ByteBuffer bytes(int count, long value) {
    return ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).flip().limit(count);
  }

  /// The offset of a capability in the standard list.
  private static int capability(VfioUserClient client, int id) throws IOException {
    List<Integer> seen = new ArrayList<>();
    int at = word(client, 0x34) & 0xff;
    while (at != 0 && !seen.contains(at)) {
      seen.add(at);
      int header = word(client, at);
      if ((header & 0xff) == id) {
        return at;
      }
      at = header >> 8 & 0xff;
    }
    throw new IOException("The function has no capability " + id);
  }

  private static int word(VfioUserClient client, int offset) throws IOException {
    return client.read(CONFIG_REGION, offset, 4).order(ByteOrder.LITTLE_ENDIAN).getInt();
  }
}
