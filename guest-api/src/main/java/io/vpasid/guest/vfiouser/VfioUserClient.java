package io.vpasid.guest.vfiouser;

import io.netty.channel.unix.FileDescriptor;
import io.vpasid.guest.socket.Descriptors;
import io.vpasid.guest.socket.SocketLoops;
import io.vpasid.vmm.vfio.DeviceInfo;
import io.vpasid.vmm.vfio.Irq;
import io.vpasid.vmm.vfio.Region;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/// The client's end of a vfio-user connection.
///
/// Methods that return a value wait for the reply; those whose name ends in `Async` return at once,
/// so that many requests can be under way (the server answers them in order). Any thread may use a
/// client, but for the threads of its own sockets. A request that is not answered in time closes
/// the connection, because what has become of it cannot be known.
///
/// All throw [VfioUserException] if the server refuses the request, and another [IOException] if
/// the connection is lost or the server does not keep to the protocol.
public final class VfioUserClient implements AutoCloseable {
  private final ClientConnection connection;

  /// Limits of a client.
  ///
  /// @param timeout how long a reply may take
  /// @param window most requests that wait for a reply at a time, 1 to [#MAX_WINDOW]; one more
  ///   waits for a place
  /// @param maxDataTransfer most bytes of data in one message, 1 to 64 MiB; the server may lower it
  public record Options(Duration timeout, int window, int maxDataTransfer) {
    /// Message ids are 16 bits wide, and half of them are enough.
    public static final int MAX_WINDOW = 1 << 15;

    private static final Options DEFAULTS = new Options(Duration.ofSeconds(5), 64, 1 << 20);

    /// @throws IllegalArgumentException if a number is out of its range
    public Options {
      if (!timeout.isPositive()
          || timeout.compareTo(Duration.ofDays(1)) > 0
          || window < 1
          || window > MAX_WINDOW
          || maxDataTransfer < 1
          || maxDataTransfer > VfioUserServer.Options.MAX_DATA_TRANSFER) {
        throw new IllegalArgumentException(
            "A timeout of %s, a window of %s or transfers of %s bytes are out of range"
                .formatted(timeout, window, maxDataTransfer));
      }
    }

    /// 5 seconds, 64 requests, 1 MiB.
    public static Options defaults() {
      return DEFAULTS;
    }

    /// These options with another timeout.
    public Options withTimeout(Duration timeout) {
      return new Options(timeout, window, maxDataTransfer);
    }

    /// These options with another window.
    public Options withWindow(int requests) {
      return new Options(timeout, requests, maxDataTransfer);
    }
  }

  private VfioUserClient(ClientConnection connection) {
    this.connection = connection;
  }

  /// Connects, and agrees on a version, on a thread of its own.
  ///
  /// @param path where the server listens
  /// @param options limits
  public static VfioUserClient connect(Path path, Options options) throws IOException {
    return new VfioUserClient(ClientConnection.open(path, options));
  }

  static VfioUserClient connect(SocketLoops loops, Path path, Options options) throws IOException {
    return new VfioUserClient(ClientConnection.open(loops, path, options));
  }

  /// Most bytes of one read or write, as agreed with the server.
  public int maxDataTransfer() {
    return connection.maxDataTransfer();
  }

  /// True if the connection stands.
  public boolean isOpen() {
    return connection.isOpen();
  }

  /// What the device is.
  public DeviceInfo deviceInfo() throws IOException {
    Payload.DeviceInfo info =
        ask(
            Command.DEVICE_GET_INFO,
            new Payload.DeviceInfo(Payload.DeviceInfo.LENGTH, 0, 0, 0),
            Payload.DeviceInfo.class,
            "DEVICE_GET_INFO");
    return new DeviceInfo(
        (info.flags() & Payload.DeviceInfo.PCI) != 0,
        (info.flags() & Payload.DeviceInfo.RESET) != 0,
        count(info.regions()),
        count(info.irqs()));
  }

  /// One of the device's regions; what could be mapped or lies in capabilities is not told.
  ///
  /// @param index of the region, from 0
  public Region regionInfo(int index) throws IOException {
    Payload.RegionInfo info =
        ask(
            Command.DEVICE_GET_REGION_INFO,
            new Payload.RegionInfo(Payload.RegionInfo.LENGTH, 0, index, 0, 0, 0),
            Payload.RegionInfo.class,
            "DEVICE_GET_REGION_INFO of region " + index);
    if (info.index() != index || info.size() < 0) {
      throw new IOException("The server's description of region " + index + " is bad: " + info);
    }
    return new Region(info.size(), info.flags() & (Region.READ | Region.WRITE));
  }

  /// One of the device's interrupt types.
  ///
  /// @param index of the type, from 0
  public Irq irqInfo(int index) throws IOException {
    Payload.IrqInfo info =
        ask(
            Command.DEVICE_GET_IRQ_INFO,
            new Payload.IrqInfo(Payload.IrqInfo.LENGTH, 0, index, 0),
            Payload.IrqInfo.class,
            "DEVICE_GET_IRQ_INFO of type " + index);
    if (info.index() != index || info.count() > Irq.MAX_COUNT) {
      throw new IOException("The server's description of interrupt " + index + " is bad: " + info);
    }
    return new Irq(
        (int) info.count(),
        info.flags() & (Irq.EVENTFD | Irq.MASKABLE | Irq.AUTOMASKED | Irq.NORESIZE));
  }

  /// Reads a part of a region.
  ///
  /// @param region its index, from 0
  /// @param offset of the first byte
  /// @param count of bytes, 0 to [#maxDataTransfer]
  /// @return the bytes from position to limit, little endian; fewer than asked for if the server
  ///   has no more
  public ByteBuffer read(int region, long offset, int count) throws IOException {
    return await(readAsync(region, offset, count));
  }

  /// Reads a part of a region, without waiting.
  ///
  /// @see #read
  public CompletableFuture<ByteBuffer> readAsync(int region, long offset, int count)
      throws IOException {
    checkCount(count);
    return request(
            Command.REGION_READ,
            new Payload.RegionAccess(offset, region, count),
            Payload.RegionData.class,
            "REGION_READ of region " + region)
        .thenCompose(reply ->
            reply.data().remaining() > count
                ? CompletableFuture.failedFuture(
                    new IOException(
                        "The server sent " + reply.data().remaining() + " bytes for " + count))
                : CompletableFuture.completedFuture(reply.data()));
  }

  /// Writes a part of a region.
  ///
  /// @param region its index, from 0
  /// @param offset of the first byte
  /// @param data what is written, from position to limit, at most [#maxDataTransfer] bytes
  public void write(int region, long offset, ByteBuffer data) throws IOException {
    await(writeAsync(region, offset, data));
  }

  /// Writes a part of a region, without waiting.
  ///
  /// @return done when the server has written
  /// @see #write
  public CompletableFuture<Void> writeAsync(int region, long offset, ByteBuffer data)
      throws IOException {
    return request(
            Command.REGION_WRITE,
            data(region, offset, data),
            Payload.RegionAccess.class,
            "REGION_WRITE of region " + region)
        .thenAccept(_ -> {});
  }

  /// Writes a part of a region without asking for a reply: whether it was refused is not told. What
  /// is asked after it is answered after it is done.
  ///
  /// @see #write
  public void post(int region, long offset, ByteBuffer data) throws IOException {
    Payload payload = data(region, offset, data);
    connection.send(
        Message.of(Header.silentRequest(0, Command.REGION_WRITE), payload),
        "REGION_WRITE of region " + region);
  }

  /// True if the server takes [several writes][#writeAll] in one message.
  public boolean writesMultiple() {
    return connection.writesMultiple();
  }

  /// One of several writes.
  ///
  /// @param region its index, from 0
  /// @param offset of the first byte
  /// @param data what is written, from position to limit, at most 8 bytes
  public record Write(int region, long offset, ByteBuffer data) {
    /// @throws IllegalArgumentException if there are more than 8 bytes
    public Write {
      if (data.remaining() > Payload.RegionWrites.MAX_DATA) {
        throw new IllegalArgumentException(
            "One of several writes has at most 8 bytes, not " + data.remaining());
      }
    }
  }

  /// Makes several short writes, in order, with one message.
  ///
  /// @return how many the server has done; it stops before the first that it refuses
  /// @throws VfioUserException if it refuses the first
  public int writeAll(List<Write> writes) throws IOException {
    List<Payload.RegionData> each = new ArrayList<>();
    for (Write write : writes) {
      each.add(data(write.region(), write.offset(), write.data()));
    }
    Payload.RegionsWritten done =
        ask(
            Command.REGION_WRITE_MULTI,
            new Payload.RegionWrites(each),
            Payload.RegionsWritten.class,
            "REGION_WRITE_MULTI of " + writes.size() + " writes");
    if (done.count() < 0 || done.count() > writes.size()) {
      throw new IOException("The server says that it has made " + done.count() + " writes.");
    }
    return (int) done.count();
  }

  /// Resets the device.
  public void reset() throws IOException {
    ask(Command.DEVICE_RESET, Payload.Empty.INSTANCE, Payload.Empty.class, "DEVICE_RESET");
  }

  /// Names a window of addresses for DMA, but no memory behind it: what the server asks for there
  /// is refused.
  ///
  /// @param address of the window's first byte, as the device will use it
  /// @param size in bytes
  public void mapDma(long address, long size) throws IOException {
    mapDma(address, size, Payload.DmaMap.READABLE | Payload.DmaMap.WRITABLE, 0, Descriptors.none());
  }

  /// Offers memory for DMA, without a descriptor: the server asks for its bytes.
  ///
  /// @param address of its first byte, as the device will use it
  /// @param memory from position to limit; the device may write it unless it is read-only
  public void mapDma(long address, ByteBuffer memory) throws IOException {
    connection.offered().offer(address, memory);
    try {
      mapDma(
          address,
          memory.remaining(),
          memory.isReadOnly()
              ? Payload.DmaMap.READABLE
              : Payload.DmaMap.READABLE | Payload.DmaMap.WRITABLE,
          0,
          Descriptors.none());
    } catch (IOException e) {
      connection.offered().withdraw(address);
      throw e;
    }
  }

  /// Shares memory for DMA, which the server then reaches without asking.
  ///
  /// @param address of its first byte, as the device will use it
  /// @param size in bytes
  /// @param file descriptor of a file that begins with the memory, such as a memfd; it is closed
  ///   once it has been sent
  public void shareDma(long address, long size, int file) throws IOException {
    mapDma(
        address,
        size,
        Payload.DmaMap.READABLE | Payload.DmaMap.WRITABLE,
        0,
        Descriptors.of(List.of(new FileDescriptor(file))));
  }

  /// Maps a window of addresses.
  ///
  /// @param flags [Payload.DmaMap#READABLE], [Payload.DmaMap#WRITABLE]
  /// @param offset of the window in the file
  /// @param file its descriptor, or none; it is closed once it has been sent
  void mapDma(long address, long size, int flags, long offset, Descriptors file)
      throws IOException {
    await(
        connection.request(
            Command.DMA_MAP,
            new Payload.DmaMap(Payload.DmaMap.LENGTH, flags, offset, address, size),
            file,
            Payload.Empty.class,
            "DMA_MAP"));
  }

  /// Takes a window back.
  ///
  /// @param address and
  /// @param size as it was mapped
  public void unmapDma(long address, long size) throws IOException {
    ask(
        Command.DMA_UNMAP,
        new Payload.DmaUnmap(Payload.DmaUnmap.LENGTH, 0, address, size),
        Payload.DmaUnmap.class,
        "DMA_UNMAP");
    connection.offered().withdraw(address);
  }

  /// Has interrupts signalled through eventfds.
  ///
  /// @param irq index of their type
  /// @param start number of the first interrupt
  /// @param eventfds one for each; they are closed once they have been sent
  void assignInterrupts(int irq, int start, List<FileDescriptor> eventfds) throws IOException {
    Payload payload =
        new Payload.IrqSet(
            Payload.IrqSet.LENGTH,
            Payload.IrqSet.DATA_EVENTFD | Payload.IrqSet.ACTION_TRIGGER,
            irq,
            start,
            eventfds.size(),
            ByteBuffer.allocate(0));
    await(
        connection.request(
            Command.DEVICE_SET_IRQS,
            payload,
            Descriptors.of(eventfds),
            Payload.Empty.class,
            "DEVICE_SET_IRQS of type " + irq));
  }

  /// Closes the connection. Requests under way fail.
  @Override
  public void close() {
    connection.close();
  }

  /// Waits for what a request without waiting comes to.
  ///
  /// @throws IOException if it was refused, or the connection was lost
  public static <T> T await(CompletableFuture<T> answer) throws IOException {
    return ClientConnection.await(answer);
  }

  private <P extends Payload> P ask(Command command, Payload payload, Class<P> reply, String what)
      throws IOException {
    return await(connection.request(command, payload, Descriptors.none(), reply, what));
  }

  private <P extends Payload> CompletableFuture<P> request(
      Command command, Payload payload, Class<P> reply, String what) throws IOException {
    return connection.request(command, payload, Descriptors.none(), reply, what);
  }

  private Payload.RegionData data(int region, long offset, ByteBuffer data) {
    checkCount(data.remaining());
    ByteBuffer copy = ByteBuffer.allocate(data.remaining()).order(ByteOrder.LITTLE_ENDIAN);
    copy.put(data.duplicate()).flip();
    return new Payload.RegionData(offset, region, copy);
  }

  private void checkCount(int count) {
    if (count < 0 || count > maxDataTransfer()) {
      throw new IllegalArgumentException(
          "One transfer has 0 to " + maxDataTransfer() + " bytes, not " + count);
    }
  }

  private static int count(long unsigned) throws IOException {
    if (unsigned > MAX_COUNT) {
      throw new IOException("The server says that the device has " + unsigned + " of something.");
    }
    return (int) unsigned;
  }

  /// More regions or interrupt types than a device has.
  private static final int MAX_COUNT = 65536;
}
