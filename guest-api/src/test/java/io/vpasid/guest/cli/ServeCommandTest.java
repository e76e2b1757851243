package io.vpasid.guest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.option.SynthesisOptions;
import io.vpasid.guest.cli.run.DemoCommand;
import io.vpasid.guest.config.FunctionDescription;
import io.vpasid.guest.device.FunctionDevice;
import io.vpasid.guest.emulator.EmulatedGuest;
import io.vpasid.guest.emulator.EnableOutcome;
import io.vpasid.guest.host.EmulatedBacking;
import io.vpasid.guest.vfiouser.VfioUserServer;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.vmm.FunctionOptions;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What `serve` serves, seen by a client that is written here from the specification's tables.
class ServeCommandTest {
  private static final int VERSION = 1;
  private static final int REGION_READ = 9;
  private static final int REGION_WRITE = 10;
  private static final int CONFIG_REGION = 7;

  @TempDir private Path folder;

  /// A vfio-user client on a plain socket.
  private record Client(SocketChannel socket) implements AutoCloseable {

    ByteBuffer call(int command, ByteBuffer body) throws IOException {
      ByteBuffer message =
          ByteBuffer.allocate(16 + body.remaining()).order(ByteOrder.LITTLE_ENDIAN);
      message.putShort((short) 7).putShort((short) command).putInt(message.capacity());
      message.putInt(0).putInt(0).put(body).flip();
      while (message.hasRemaining()) {
        socket.write(message);
      }
      ByteBuffer header = read(16);
      assertThat(header.getShort(0)).isEqualTo((short) 7);
      assertThat(header.getInt(8)).as("flags: a reply without error").isEqualTo(1);
      return read(header.getInt(4) - 16);
    }

    private ByteBuffer read(int length) throws IOException {
      ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
      while (bytes.hasRemaining()) {
        assertThat(socket.read(bytes)).isPositive();
      }
      return bytes.flip();
    }

    int readConfig(int offset, int width) throws IOException {
      ByteBuffer reply = call(REGION_READ, access(offset, width));
      reply.position(16);
      return switch (width) {
        case 4 -> reply.getInt();
        case 2 -> reply.getShort() & 0xffff;
        default -> reply.get() & 0xff;
      };
    }

    void writeConfig(int offset, int width, int value) throws IOException {
      ByteBuffer body = ByteBuffer.allocate(16 + width).order(ByteOrder.LITTLE_ENDIAN);
      body.put(access(offset, width));
      for (int i = 0; i < width; i++) {
        body.put((byte) (value >>> (8 * i)));
      }
      call(REGION_WRITE, body.flip());
    }

    private static ByteBuffer access(int offset, int width) {
      return ByteBuffer.allocate(16)
          .order(ByteOrder.LITTLE_ENDIAN)
          .putLong(offset)
          .putInt(CONFIG_REGION)
          .putInt(width)
          .flip();
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  @Test
  void clientFindsTheVpasidAndEnablesItThroughTheSocket() throws IOException {
    HostFunction captured = DemoCommand.functions().getFirst();
    SynthesisOptions options = new SynthesisOptions();
    Path path = folder.resolve("dev.sock");
    try (EmulatedBacking machine =
            EmulatedBacking.alone(
                FunctionDescription.of(captured), options.hardware(), FunctionOptions.defaults());
        VfioUserServer server =
            VfioUserServer.open(
                path, new FunctionDevice(machine.function()), VfioUserServer.Options.defaults());
        Client client = connect(server.path())) {

      EnableOutcome outcome = new EmulatedGuest(new SocketPort(client)).enablePasid();

      assertThat(outcome).isEqualTo(new EnableOutcome.Enabled(0x1a0, 20, false, false));
      assertThat(machine.function().control().enabled()).isTrue();
    }
    assertThat(path).doesNotExist();
  }

  private static Client connect(Path path) throws IOException {
    SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX);
    socket.connect(UnixDomainSocketAddress.of(path));
    Client client = new Client(socket);
    ByteBuffer version = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
    version.putShort((short) 0).putShort((short) 0);
    version.put("{\"capabilities\":{}}\0".getBytes(StandardCharsets.UTF_8)).flip();
    client.call(VERSION, version);
    return client;
  }

  private record SocketPort(Client client) implements io.vpasid.guest.emulator.ConfigPort {
    @Override
    public int read(int offset, int width) {
      try {
        return client.readConfig(offset, width);
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    }

    @Override
    public void write(int offset, int width, int value) {
      try {
        client.writeConfig(offset, width, value);
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    }
  }
}
