package io.vpasid.guest.daemon;

import io.vpasid.guest.config.FunctionConfig;
import io.vpasid.guest.config.SocketAccess;
import io.vpasid.guest.host.Backing;
import io.vpasid.guest.host.VfioBacking;
import io.vpasid.guest.vfiouser.VfioUserDevice;
import io.vpasid.guest.vfiouser.VfioUserServer;
import io.vpasid.guest.vfiouser.VfioUserSockets;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/// The socket of a function, on the threads that functions share, or on one that the function has
/// for itself.
///
/// What an emulated function is asked for is done at once, so few threads serve any number of them.
/// One that is passed through answers when its hardware and the kernel do: a reset, which every
/// client that goes leads to, takes 100 ms at least, and to pin the memory of a large guest takes
/// seconds. So each has its own thread, and keeps nobody waiting but its own client.
final class FunctionServer implements AutoCloseable {
  private final VfioUserServer server;
  private final Optional<VfioUserSockets> own;

  private FunctionServer(VfioUserServer server, Optional<VfioUserSockets> own) {
    this.server = server;
    this.own = own;
  }

  /// Serves a function.
  ///
  /// @param limits of its client
  /// @param shared the threads of functions that have none for themselves
  /// @param onLoss is run if the function's own thread ends before this is closed
  /// @throws IOException with a sentence, if the socket cannot be made; nothing is left
  static FunctionServer open(
      FunctionConfig config,
      Backing backing,
      VfioUserServer.Options limits,
      VfioUserSockets shared,
      Runnable onLoss)
      throws IOException {
    Optional<VfioUserSockets> own =
        backing instanceof VfioBacking
            ? Optional.of(VfioUserSockets.open("vfio-user-" + config.name(), 1))
            : Optional.empty();
    own.ifPresent(threads -> threads.onLoss(onLoss));
    try {
      return new FunctionServer(
          serve(own.orElse(shared), config.socket(), backing.device(), limits, config.access()),
          own);
    } catch (IOException | RuntimeException e) {
      own.ifPresent(VfioUserSockets::close);
      throw e;
    }
  }

  /// Serves a device to those who have access.
  ///
  /// @throws IOException with a sentence, if the socket cannot be made; nothing is left
  static VfioUserServer serve(
      VfioUserSockets sockets,
      Path socket,
      VfioUserDevice device,
      VfioUserServer.Options limits,
      SocketAccess access)
      throws IOException {
    VfioUserServer server =
        sockets.serve(socket, device, limits.withUsers(access.users()).withGroups(access.groups()));
    try {
      access.applyTo(socket);
      return server;
    } catch (IOException e) {
      server.close();
      throw e;
    }
  }

  /// Disconnects the client and removes the socket; returns when the device has been told, or is
  /// busy for longer than 10 seconds.
  @Override
  public void close() {
    server.close();
    own.ifPresent(VfioUserSockets::close);
  }
}
