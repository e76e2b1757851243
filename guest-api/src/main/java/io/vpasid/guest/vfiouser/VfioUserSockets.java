package io.vpasid.guest.vfiouser;

import io.vpasid.guest.socket.SocketKind;
import io.vpasid.guest.socket.SocketLoops;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/// Threads that many servers and clients share.
///
/// A server, with its client, belongs to one of the threads. Close what was opened here first; what
/// is forgotten is cut off when this is closed.
public final class VfioUserSockets implements AutoCloseable {
  private final SocketLoops loops;

  private VfioUserSockets(SocketLoops loops) {
    this.loops = loops;
  }

  /// Starts threads. Sockets pass descriptors where this machine and the JVM's options permit it.
  ///
  /// @param name what the threads' names begin with
  /// @param threads how many, at least 1
  public static VfioUserSockets open(String name, int threads) {
    return open(name, threads, Duration.ZERO);
  }

  /// Starts threads that look for more messages, for a while, before they sleep: a client that asks
  /// once more by then is answered sooner, and a core is kept busy for as long.
  ///
  /// @param busyPoll how long after the last message
  public static VfioUserSockets open(String name, int threads, Duration busyPoll) {
    return new VfioUserSockets(SocketLoops.open(SocketKind.best(), name, threads, busyPoll));
  }

  /// Starts threads for sockets of a certain kind.
  static VfioUserSockets open(SocketKind kind, String name, int threads) {
    return new VfioUserSockets(SocketLoops.open(kind, name, threads));
  }

  /// Serves a device, as [VfioUserServer#open] does, on one of these threads.
  public VfioUserServer serve(Path path, VfioUserDevice device, VfioUserServer.Options options)
      throws IOException {
    return VfioUserServer.open(loops, false, path, device, options);
  }

  /// Connects to a server, as [VfioUserClient#connect] does, on one of these threads.
  public VfioUserClient connect(Path path, VfioUserClient.Options options) throws IOException {
    return VfioUserClient.connect(loops, path, options);
  }

  /// True if file descriptors pass, so that clients can have interrupts.
  public boolean carriesDescriptors() {
    return loops.kind().carriesDescriptors();
  }

  /// Runs `listener` if a thread ends, for whatever reason, before [#close].
  public void onLoss(Runnable listener) {
    loops.onLoss(listener);
  }

  /// Ends the threads and waits for them.
  @Override
  public void close() {
    loops.close();
  }
}
