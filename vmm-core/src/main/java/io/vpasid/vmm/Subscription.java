package io.vpasid.vmm;

/// A listener's interest in a function, until it is closed.
@FunctionalInterface
public interface Subscription extends AutoCloseable {

  /// Stops the events; one that is under way on another thread may still arrive. Closing again does
  /// nothing.
  @Override
  void close();
}
