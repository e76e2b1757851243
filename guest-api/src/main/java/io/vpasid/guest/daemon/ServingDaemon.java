package io.vpasid.guest.daemon;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// What `serve CONFIG.json` runs: one process for everything, or one for each tenant.
public sealed interface ServingDaemon extends AutoCloseable permits Daemon, IsolatedDaemon {
  /// Where the control socket is.
  Path control();

  /// The socket of the metrics; empty if there is none.
  Optional<Path> metricsSocket();

  /// The port of the metrics; empty if there is none.
  Optional<Integer> metricsPort();

  /// The address of the page, with the token that lets its reader in; empty if there is none.
  Optional<String> page();

  /// One line for each function that is served, for people.
  List<String> summary();

  /// The functions that are served, for machines: a list with what `query-functions` returns.
  List<?> summaryJson();

  /// Has the quirk files read again. For signal handlers: it waits for nothing, and what goes wrong
  /// is logged.
  void requestReload();

  /// Ends: takes no new clients, lets the command under way finish, disconnects, detaches every
  /// PASID and removes the sockets. A second call does nothing.
  @Override
  void close();
}
